import { z } from 'zod';

/** A SHA-256 as it is stored: lower-case hex. */
export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);
