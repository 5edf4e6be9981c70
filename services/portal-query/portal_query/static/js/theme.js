// @ts-check
// The theme: the system's, unless the person chose one here. Runs before anything is drawn.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  root.dataset.scripts = "on";

  const dark = () => (localStorage.getItem("theme") ?? (system.matches ? "dark" : "light")) === "dark";

  const show = () => {
    root.dataset.bsTheme = dark() ? "dark" : "light";
    document.querySelector("[data-theme-switch]")?.setAttribute("aria-pressed", String(dark()));
  };

  show();
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    show();
    document.querySelector("[data-theme-switch]")?.addEventListener("click", () => {
      localStorage.setItem("theme", dark() ? "light" : "dark");
      show();
    });
  });
})();
