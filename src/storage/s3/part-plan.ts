const mebibyte = 1024 ** 2;
const gibibyte = 1024 ** 3;

/** S3: a part is 5 MiB to 5 GiB, the last one may be smaller; an upload has at most 10 000 parts. */
export const maximumParts = 10_000;
const maximumPartBytes = 5 * gibibyte;
/** Below 8 MiB requests cost more than they carry; 10 000 of these hold 78 GiB whatever was estimated. */
const smallestPartBytes = 8 * mebibyte;
/** What the buffers of parts may take of the memory, as long as there are two of them. */
const memoryBudgetBytes = 24 * mebibyte;
/** An estimate may be wrong by its own size, for large databases by this much. */
const largestHeadroomBytes = 256 * gibibyte;

export interface PartPlan {
  /** Whole MiB. */
  readonly partSizeBytes: number;
  /** Parts held at once: one is being filled, the others are being sent. */
  readonly bufferCount: number;
  /** What fits into the parts that an upload may have. */
  readonly maximumBytes: number;
}

/** Part size and buffers for an upload of about `estimatedBytes`; more than that, by a headroom, still fits. */
export function partPlan(estimatedBytes: number): PartPlan {
  const capacityBytes = estimatedBytes + Math.min(estimatedBytes, largestHeadroomBytes);
  const neededBytes = Math.ceil(capacityBytes / maximumParts / mebibyte) * mebibyte;
  const partSizeBytes = Math.min(Math.max(neededBytes, smallestPartBytes), maximumPartBytes);
  return {
    partSizeBytes,
    // Two at least, so that reading the next part does not wait for the one being sent.
    bufferCount: Math.max(2, Math.floor(memoryBudgetBytes / partSizeBytes)),
    maximumBytes: partSizeBytes * maximumParts,
  };
}
