export { Editor } from "@tiptap/core";
export { StarterKit } from "@tiptap/starter-kit";
