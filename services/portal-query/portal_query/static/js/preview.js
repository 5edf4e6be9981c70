// @ts-check
// Shows a mail's HTML in a frame without scripts. The page's policy, which the frame inherits, bars styles that
// stand in markup; so they are set through the object model, which it does not.

/** @param {HTMLIFrameElement} frame @param {string} html */
export function showMail(frame, html) {
  const view = /** @type {(Window & typeof globalThis) | null} */ (frame.contentWindow);
  const inside = frame.contentDocument;
  if (!view || !inside) return;
  // Under another name an attribute is no style, wherever it is parsed.
  const mail = new DOMParser().parseFromString(html.replace(/\sstyle\s*=/gi, " data-style="), "text/html");
  const sheets = [...mail.querySelectorAll("style")].map((style) => {
    const sheet = new view.CSSStyleSheet();
    sheet.replaceSync(style.textContent ?? "");
    style.remove();
    return sheet;
  });
  for (const each of mail.querySelectorAll("script, link, meta, base, title, iframe, object, embed")) each.remove();
  for (const link of mail.querySelectorAll("a[href]")) link.removeAttribute("href"); // a preview leads nowhere
  inside.adoptedStyleSheets = sheets;
  inside.body.replaceChildren(...[...mail.body.childNodes].map((node) => inside.importNode(node, true)));
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (inside.querySelectorAll("[data-style]"))) {
    each.style.cssText = each.dataset.style ?? "";
  }
}
