/** A worker whose module throws before it can hear anything. */

throw new Error("out of order");
