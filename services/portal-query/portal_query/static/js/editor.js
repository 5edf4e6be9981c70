// @ts-check
// The rich text of a note: TipTap with the toolbar that the page has drawn.
import { Editor, StarterKit } from "../vendor/tiptap.js";

/** @typedef {import("../vendor/tiptap.js").Editor} TipTap */

/** What becomes formatting as one types it. */
const WRITTEN = ["bold", "italic", "strike", "code", "codeBlock", "blockquote", "bulletList", "orderedList"];

const COMMANDS = /** @type {Readonly<Record<string, (editor: TipTap) => unknown>>} */ ({
  bold: (editor) => editor.chain().focus().toggleBold().run(),
  italic: (editor) => editor.chain().focus().toggleItalic().run(),
  strike: (editor) => editor.chain().focus().toggleStrike().run(),
  blockquote: (editor) => editor.chain().focus().toggleBlockquote().run(),
  code: (editor) => editor.chain().focus().toggleCode().run(),
  bulletList: (editor) => editor.chain().focus().toggleBulletList().run(),
  orderedList: (editor) => editor.chain().focus().toggleOrderedList().run(),
});

/**
 * @param {HTMLElement} frame what holds the toolbar and is to hold the editor
 * @param {() => void} onChange
 * @returns {TipTap}
 */
export function makeEditor(frame, onChange) {
  const place = document.createElement("div");
  frame.append(place);
  const editor = new Editor({
    element: place,
    enableInputRules: [...WRITTEN], // a line that begins with # is no heading
    injectCSS: false, // styles come from the sheet: the page's policy takes no others
    extensions: [
      StarterKit.configure({
        heading: { levels: [1, 2, 3] }, // the API takes them, and underlining: what came by it is not lost by a correction
        horizontalRule: false,
        link: { openOnClick: false },
      }),
    ],
    editorProps: {
      attributes: {
        class: "rich editor-text",
        role: "textbox",
        "aria-multiline": "true",
        "aria-labelledby": frame.dataset.labelledBy ?? "",
        "aria-describedby": frame.dataset.error ?? "",
      },
    },
    onUpdate: onChange,
  });
  const tools = /** @type {HTMLElement[]} */ ([...frame.querySelectorAll("[data-command]")]);
  for (const tool of tools) {
    const command = COMMANDS[tool.dataset.command ?? ""];
    if (command) tool.addEventListener("click", () => command(editor));
  }
  editor.on("transaction", () => {
    for (const tool of tools) {
      tool.setAttribute("aria-pressed", String(editor.isActive(tool.dataset.command ?? "")));
    }
  });
  linkTool(frame, editor);
  return editor;
}

/** @param {HTMLElement} frame @param {TipTap} editor */
function linkTool(frame, editor) {
  const panel = /** @type {HTMLElement} */ (frame.querySelector("[data-link]"));
  const address = /** @type {HTMLInputElement} */ (frame.querySelector("[data-link-address]"));
  const apply = () => {
    const href = address.value.trim();
    panel.hidden = true;
    const chain = editor.chain().focus().extendMarkRange("link");
    if (href) chain.setLink({ href }).run();
    else chain.unsetLink().run();
  };
  frame.querySelector('[data-command="link"]')?.addEventListener("click", () => {
    panel.hidden = !panel.hidden;
    address.value = editor.getAttributes("link").href ?? "";
    if (!panel.hidden) address.focus();
  });
  panel.querySelector("[data-link-apply]")?.addEventListener("click", apply);
  address.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.ctrlKey) return;
    event.preventDefault(); // the form is not sent by it
    apply();
  });
}
