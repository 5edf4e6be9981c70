// The plots of the pages of operation.
export { default } from "uplot";
