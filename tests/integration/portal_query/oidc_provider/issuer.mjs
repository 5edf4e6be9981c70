// The certified OpenID Connect provider of the npm registry as a strict issuer: PKCE, consent, refresh tokens
// that count once, access tokens for a resource. Takes the portal's origin; prints its own address as a line.
import { createServer } from 'node:http'

import { Provider } from 'oidc-provider'

const [portal, clientSecret, accessTokenSeconds] = process.argv.slice(2)
const roles = { davi: ['administrator'] }

const claims = (id) => ({ sub: id, name: id[0].toUpperCase() + id.slice(1), service_roles: roles[id] ?? [] })

const configuration = {
  clients: [
    {
      client_id: 'relato-portal',
      client_secret: clientSecret,
      redirect_uris: [`${portal}/callback`],
      post_logout_redirect_uris: [`${portal}/login`],
      grant_types: ['authorization_code', 'refresh_token'],
    },
  ],
  cookies: { keys: ['of this test'] },
  claims: { profile: ['name'] },
  findAccount: (_, id) => ({ accountId: id, claims: () => claims(id) }),
  pkce: { required: () => true },
  rotateRefreshToken: true,
  features: {
    // Its own pages, on which anyone can be anyone.
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: '',
        audience: 'relato',
        accessTokenFormat: 'jwt',
        accessTokenTTL: Number(accessTokenSeconds),
      }),
    },
  },
  extraTokenClaims: (_, token) => claims(token.accountId),
  ttl: { IdToken: 60, Session: 600, Grant: 600, Interaction: 600, AuthorizationCode: 60, RefreshToken: 600 },
}

const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const address = `http://127.0.0.1:${server.address().port}`
  server.on('request', new Provider(address, configuration).callback())
  console.log(`issuer ${address}`)
})
// It ends with whoever started it.
process.stdin.resume().on('end', () => process.exit())
