// Limits and forms of what people send, which the server insists on and the console says before it sends anything.
// Plain values, so that a browser loads no schema for them.

import { DEVICE_ID_BYTES_MAX } from "@flipside/image-format/portable/protocol-constants";
import { FACTORY_HOST_BYTES_MAX } from "@flipside/image-format/portable/factory-record";

const dayMs = 24 * 60 * 60 * 1000;

/** Of a list that is asked for a page at a time. */
export const pageMembersDefault = 100;
export const pageMembersMax = 500;
export const cursorCharactersMax = 500;

/** How long who asks for events waits for the first one: below the 60 s after which proxies give up. */
export const eventPollMsDefault = 25_000;
export const eventPollMsMax = 50_000;

export const jsonBytesMax = 4 * 1024 * 1024;
export const releaseBytesMax = 64 * 1024 * 1024;
export const permitBytesMax = 4096;

export const passwordCharactersMin = 10;
/** scrypt takes any length, but nobody has to hash megabytes for a stranger. */
export const passwordCharactersMax = 200;

export const userNamePattern = /^[a-z0-9][a-z0-9._@-]{0,63}$/;
export const tokenNameCharactersMax = 60;
export const passkeyNameCharactersMax = 60;
export const passkeysPerAccountMax = 10;
export const tokenLifeDaysMax = 365;
export const tokensPerAccountMax = 50;

export const deviceIdPattern = new RegExp(`^[a-z0-9-]{1,${DEVICE_ID_BYTES_MAX}}$`);
/** Of a device that speaks hawkBit's DDI: what MAC addresses and serial numbers have besides letters, too. */
export const targetIdPattern = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,47}$/;
/** As long as no one guesses it: a hash of it is stored that is quickly made. */
export const targetTokenPattern = /^[A-Za-z0-9._~+/=-]{32,128}$/;
/** Of a device of AWS IoT. AWS allows 128 characters; an id of a device has 48 here. */
export const thingNamePattern = /^[A-Za-z0-9][A-Za-z0-9_:-]{0,47}$/;
/** In PEM; of AWS IoT's own, as much as it takes. */
export const certificateCharactersMax = 65_536;
export const claimsPerRequestMax = 20_000;
export const claimLifeDaysMax = 3_650;
export const claimEnrolmentsMax = 1_000_000;

/**
 * base64url of 32 bytes, without padding. The last character carries two bits that belong to no byte; two spellings of
 * one value would pass as two values, so they are 0 (RFC 4648, section 3.5).
 */
export const claimSecretPattern = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
export const claimSecretCharacters = 43;
/** base64url of an Ed25519 public key, 32 bytes. */
export const publicKeyPattern = claimSecretPattern;

export const hostCharactersMax = FACTORY_HOST_BYTES_MAX;
/**
 * A name (RFC 952, RFC 1123) or an IPv4 address: what a device can look up. `tls:` before it has the device speak TLS
 * by its own key there, `pin:` TLS by the server's key in its factory record (docs/protocol.md, "Channel").
 */
export const hostPattern =
  /^(?:(?:tls|pin):)?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
export const portMax = 65_535;

/** What operators file a device under; by what stands before a colon, tags make groups: `site:berlin`. */
export const tagPattern = /^[a-z0-9][a-z0-9._:-]{0,47}$/;
export const tagsMax = 32;
/** Of what somebody sees. */
export const scopeTagsMax = 20;

/** What a device says that it is, by names of its own. */
export const attributeNamePattern = /^[a-z][A-Za-z0-9_-]{0,31}$/;
export const attributeTextCharactersMax = 64;
export const attributesMax = 32;

/** Of a device's metrics whose history is kept, and points of one that are shown at once. */
export const metricNamesMax = 16;
export const metricPointsMax = 1_000;

/** Of a filter over devices. In an address each may take three, and a header has 16 KiB. */
export const filterCharactersMax = 2_000;

/** A command that comes late surprises: by default it is to be carried out soon or not at all. */
export const commandExpiryMsDefault = 600_000;
export const commandExpiryMsMin = 1_000;
export const commandExpiryMsMax = 7 * dayMs;

/** How long a device makes itself known by one command. */
export const identifySecondsMax = 600;
export const identifySecondsDefault = 30;
/** Of what a device's console has said, as it is kept with the command that asked for it. */
export const collectedLogBytesMax = 8 * 1024;

/** In UTF-8, as it is sent to the device. */
export const configurationBytesMax = 1024;

/** Devices that one request to do something to many looks at, and that it may name. */
export const devicesAtOnceMax = 20_000;
export const namedDevicesMax = 1_000;

/** Of lists of devices that somebody keeps. */
export const viewNameCharactersMax = 60;
export const viewsPerAccountMax = 100;
export const viewColumnsMax = 30;

export const webhooksMax = 50;
export const webhookUrlCharactersMax = 1_000;
export const webhookDescriptionCharactersMax = 200;

export const rolloutNameCharactersMax = 100;
export const emergencyReasonCharactersMax = 200;
export const waveDevicesMax = 1_000_000;
export const wavesMax = 50;
export const supersededMax = 20;
export const deadlineMsMin = 1_000;
export const deadlineMsMax = 30 * dayMs;
export const deadlineMsDefault = dayMs;
export const failureThresholdPercentDefault = 50;
/** Of one device nobody learns what share fails. */
export const minimumSampleDefault = 5;
export const soakMsMax = 30 * dayMs;
export const soakMsDefault = 0;
export const lateOffersMsMax = 366 * dayMs;
export const lateOffersMsDefault = 30 * dayMs;
export const offersPerHourMax = 3_600_000;
export const windowsMax = 20;
export const retriesMax = 100;
export const retryRulesMax = 20;
export const retryDelayMsDefault = 60_000;
export const retryDelayMsMax = 7 * dayMs;
export const rolloutOrderDefault = "online-first";

export const healthMetricsMax = 8;
export const healthErrorRateMin = 0.000_1;
export const healthErrorRateMax = 0.2;
export const healthErrorRateDefault = 0.01;
export const reconnectsAtLeastMax = 50;
export const reconnectsAtLeastDefault = 5;
export const reconnectsWithinMsMin = 60_000;
export const reconnectsWithinMsMax = dayMs;
export const reconnectsWithinMsDefault = 60 * 60 * 1000;

/** Of rehearsals: how an image may be bad, by the names of error codes. */
export const badCodes = ["app-unhealthy", "crashed", "no-contact", "flash-failed"] as const;
export const badPercentDefault = 20;
export const crashEveryMsMin = 60_000;
export const crashEveryMsMax = 30 * dayMs;
export const crashEveryMsDefault = 60 * 60 * 1000;
export const approvalAfterMsMax = 30 * dayMs;
export const seedMax = 0xffff_ffff;
