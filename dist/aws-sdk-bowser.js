import { a as ENGINE_MAP, c as init_bowser, i as Bowser, l as parse, o as OS_MAP, r as BROWSER_MAP, s as PLATFORMS_MAP } from "./aws-sdk.js";

init_bowser();
export { Bowser as default, parse };