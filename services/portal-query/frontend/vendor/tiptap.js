// The editor as one module: what notes keep of a text is what it can write.
export { Editor } from "@tiptap/core";
export { StarterKit } from "@tiptap/starter-kit";
