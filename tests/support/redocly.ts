/** What @redocly/cli lints documents of OpenAPI with (see fast_check.ts). */

export { createConfig, lintFromString } from "npm:@redocly/openapi-core@2.64.0";
