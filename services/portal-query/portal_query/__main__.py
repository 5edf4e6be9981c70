"""Runs the portal's queries."""

from relato_runtime.serve import serve

from portal_query.settings import PortalSettings

if __name__ == "__main__":
    serve("portal-query", PortalSettings, "portal_query.app:build")
