/** Checks values by JSON Schema 2020-12, in tests only (see fast_check.ts). */

export { Ajv2020 } from "npm:ajv@8.20.0/dist/2020.js";
export { default as formats } from "npm:ajv-formats@3.0.1";
