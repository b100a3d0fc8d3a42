/** How a server is reached, beside its URL. */
export interface S3Options {
  /** Whether the server verifies and keeps checksums of whole objects; [AWS does]. */
  readonly keepsChecksums?: boolean;
  /** Used instead of the standard chain (environment, profile, web identity, instance). */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
    readonly expiration?: Date;
  };
}
