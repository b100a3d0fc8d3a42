import { n as Stanza, t as Encrypter } from "./age.js";

export { Encrypter };