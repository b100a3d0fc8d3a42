import { r as getOctokit } from "./actions-github.js";

export { getOctokit };