/**
 * What Sluice uses of a parser of XML, which expands no entities but XML's own
 * five. It is imported by an address that Deno cannot read ahead: a program that
 * meets no Metalink never fetches it.
 */

export { parseXml, XmlElement } from "npm:@rgrove/parse-xml@5.0.0";
