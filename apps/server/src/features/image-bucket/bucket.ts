// A bucket of an S3-compatible object store (Amazon S3, MinIO, Ceph, Garage, …), for whole objects that never change.

import { createHash } from "node:crypto";
import type { S3Client } from "@aws-sdk/client-s3";
import { StartError } from "../../start-error.ts";

export interface Bucket {
  /** As people know it: s3://bucket/prefix. */
  readonly name: string;
  /** Resolves when the object is there and was read back as it was given. Throws BucketError. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Undefined: there is no such object. Throws BucketError. */
  get(key: string): Promise<Uint8Array | undefined>;
  has(key: string): Promise<boolean>;
  remove(key: string): Promise<void>;
  close(): void;
}

export class BucketError extends Error {}

/** An answer, from the first byte asked to the last one heard. */
const requestMs = 30_000;
const connectMs = 5_000;
/** The SDK's own back-off lies between them. */
const attempts = 3;

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Throws StartError where that is no address of a bucket. */
export function parseBucketAddress(address: string): { bucket: string; prefix: string } {
  const [, bucket, prefix = ""] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(address) ?? [];
  if (bucket === undefined)
    throw new StartError(`${address} is no address of a bucket: give one such as s3://bucket or s3://bucket/folder`);
  return { bucket, prefix: prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/` };
}

async function clientFor(
  endpoint: string | undefined,
): Promise<{ client: S3Client; sdk: typeof import("@aws-sdk/client-s3") }> {
  // Only whoever has a bucket waits for it.
  const sdk = await import("@aws-sdk/client-s3");
  const client = new sdk.S3Client({
    // Stores of others know no regions, and most of them no names of buckets in the host's place.
    ...(endpoint === undefined
      ? {}
      : { endpoint, forcePathStyle: true, region: process.env["AWS_REGION"] ?? "us-east-1" }),
    maxAttempts: attempts,
    requestHandler: { requestTimeout: requestMs, connectionTimeout: connectMs, throwOnRequestTimeout: true },
    // By default the SDK wraps a body in pieces with a checksum behind them. A store that does not know that form keeps
    // the wrapping as content, and says that all is well.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  return { client, sdk };
}

/**
 * `endpoint`: of a store that is not Amazon's. Who may use it comes from where the AWS SDK looks: AWS_ACCESS_KEY_ID and
 * AWS_SECRET_ACCESS_KEY, or a profile, or the machine's role. Throws StartError when the bucket can't be used.
 */
export async function openBucket(address: string, endpoint: string | undefined): Promise<Bucket> {
  const { bucket: Bucket, prefix } = parseBucketAddress(address);
  const { client, sdk } = await clientFor(endpoint);
  const place = (key: string): { Bucket: string; Key: string } => ({ Bucket, Key: `${prefix}${key}` });

  async function asked<T>(what: string, request: Promise<T>): Promise<T> {
    try {
      return await request;
    } catch (error) {
      const { name, message } = error as Error;
      throw new BucketError(`${address} could not ${what}: ${message || name}`, { cause: error });
    }
  }

  async function get(key: string): Promise<Uint8Array | undefined> {
    const read = async (): Promise<Uint8Array | undefined> => {
      try {
        const { Body } = await client.send(new sdk.GetObjectCommand(place(key)), {
          abortSignal: AbortSignal.timeout(attempts * requestMs),
        });
        return await Body?.transformToByteArray();
      } catch (error) {
        if (error instanceof sdk.NoSuchKey) return undefined;
        throw error;
      }
    };
    return asked(`read ${key}`, read());
  }

  try {
    await client.send(new sdk.HeadBucketCommand({ Bucket }));
  } catch (error) {
    client.destroy();
    const { name, message } = error as Error;
    throw new StartError(
      `The bucket ${address} cannot be used: ${message || name} (--images-bucket; credentials are read as the AWS SDK does, from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for example)`,
    );
  }

  return {
    name: address,
    async put(key, bytes) {
      await asked(`store ${key}`, client.send(new sdk.PutObjectCommand({ ...place(key), Body: bytes })));
      const stored = await get(key);
      if (stored === undefined || sha256(stored) !== sha256(bytes))
        throw new BucketError(
          `${address} has ${stored === undefined ? "lost" : "changed"} ${key} while it was stored: what it gives back is not what it was given`,
        );
    },
    get,
    async has(key) {
      const look = async (): Promise<boolean> => {
        try {
          await client.send(new sdk.HeadObjectCommand(place(key)));
          return true;
        } catch (error) {
          if (error instanceof sdk.NotFound) return false;
          throw error;
        }
      };
      return asked(`look for ${key}`, look());
    },
    async remove(key) {
      await asked(`remove ${key}`, client.send(new sdk.DeleteObjectCommand(place(key))));
    },
    close: () => client.destroy(),
  };
}
