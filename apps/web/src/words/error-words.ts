// Every stable error code of images and devices in plain words: what happened, and what an operator can do.

import { t } from "@lingui/core/macro";
import { ErrorCode, errorName } from "../format.ts";

export interface Words {
  means: string;
  todo: string;
}

const rebuild = t`Build and sign the release again, then upload the new file.`;
const signing = t`Sign the image with a release key that this installation trusts, then upload it again.`;
const report = t`This points to a fault in the build or signing tools: keep the file and report it to those who maintain them.`;

const words: Record<Exclude<keyof typeof ErrorCode, "None">, Words> = {
  ImageTruncated: {
    means: t`The file ends before the image does: part of it is missing.`,
    todo: t`Copy the file again from where it was built and upload it once more.`,
  },
  ImageTrailingBytes: {
    means: t`There are bytes after the end of the image that do not belong to it.`,
    todo: t`Copy the file again from where it was built and upload it once more. If it stays so, build it again.`,
  },
  HeaderMalformed: {
    means: t`This is not a release or image file, or its header is damaged.`,
    todo: t`Check that you chose the release file that the build wrote. If so, build it again.`,
  },
  HeaderVersionUnsupported: {
    means: t`The file uses a newer format than this side understands.`,
    todo: t`Update the fleet manager (or the device's agent) first, or build for the older format.`,
  },
  HeaderUnknownCriticalField: {
    means: t`The header has a field marked critical that is not known here, so it must not be ignored.`,
    todo: t`Update the fleet manager (or the device's agent) first, or build without that field.`,
  },
  HeaderFieldMissing: { means: t`The header lacks a field that every image must have.`, todo: rebuild },
  HeaderFeatureUnsupported: {
    means: t`The image asks for a feature, such as delta or encryption, that is not supported here.`,
    todo: t`Build the image without that feature.`,
  },
  SignatureBlockMalformed: {
    means: t`The part of the file that holds the signatures is damaged.`,
    todo: t`Sign the image again, then upload the new file.`,
  },
  SignatureUnknownKey: { means: t`The image is signed, but by a key that is not a release key here.`, todo: signing },
  SignaturesTooFew: {
    means: t`Release keys have signed the image, but fewer of them than the trust record wants.`,
    todo: t`Have another holder of a release key add a signature (flipside sign), then upload the file again.`,
  },
  SignatureNotCanonical: { means: t`The signature is not in its one proper form, so it is refused.`, todo: report },
  SignatureSmallOrder: {
    means: t`The signature or its key is of a weak kind that fits any message, so it is refused.`,
    todo: t`Treat the file as hostile: find out where it came from. Do not sign or roll it out.`,
  },
  SignatureMismatch: {
    means: t`The signature does not fit the image: it was changed after signing, or signed with another key.`,
    todo: t`Do not use this file. Get it again from the build, and sign it again if the build itself changed it.`,
  },
  ChunkTableMismatch: {
    means: t`The table of chunk hashes is not the one that was signed.`,
    todo: t`The file was changed or damaged after signing. Copy the file again from where it was built and upload it once more.`,
  },
  ChunkMismatch: {
    means: t`A piece of the image is not the one that was signed.`,
    todo: t`The data was changed or damaged on its way. Try again; if it stays so, check the storage and network in between.`,
  },

  ProductMismatch: { means: t`The image is for another product.`, todo: t`Choose a release of this device's product.` },
  HardwareMismatch: {
    means: t`The image is for other hardware, or for another hardware revision.`,
    todo: t`Add an image for this hardware to the release, or leave these devices out.`,
  },
  ImageTooLarge: { means: t`The image does not fit the device's slot.`, todo: t`Make the image smaller.` },
  SecurityCounterTooLow: {
    means: t`The image is older than the device's security floor: it has a known weakness and may never run again.`,
    todo: t`Roll out a release with a security counter at or above the device's floor.`,
  },
  ReleaseSequenceTooLow: {
    means: t`The image is older than the one that the device runs, and no permit for going back came with it.`,
    todo: t`Choose a newer release. To go back on purpose, have a permit signed by a release key.`,
  },
  LoaderTooOld: {
    means: t`The device's boot loader is too old for this image. The loader never changes in the field.`,
    todo: t`Build for this loader version, or leave these devices out.`,
  },
  TrustTooOld: {
    means: t`The device's trust record is older than the image demands.`,
    todo: t`Bring the device's trust record up to date first.`,
  },
  LoadAddressRefused: {
    means: t`The image wants to be loaded where it may not be.`,
    todo: t`Correct the load address in the build, then build and sign again.`,
  },
  PermitInvalid: {
    means: t`The permit for going back to an older release does not hold for this image or device.`,
    todo: t`Have a new permit signed for exactly this image, and upload that.`,
  },
  TrustRecordInvalid: {
    means: t`The trust record is damaged or not signed by enough of the former root keys.`,
    todo: t`Have the trust record signed again by the threshold of root keys.`,
  },
  TrustNotNewer: {
    means: t`The trust record is not newer than the device's own.`,
    todo: t`Nothing, if the device was given its record by another way. Otherwise upload the record that was made last.`,
  },
  TrustForked: {
    means: t`The trust record does not go on from the device's own: it belongs to another line, perhaps made with root keys that were revoked.`,
    todo: t`Find out who made it. Make the next record from the one that the devices have.`,
  },
  TrustWouldRefuseImage: {
    means: t`The device runs an image that no release key of the new trust record signed, and would be left without any that may boot.`,
    todo: t`First update the device to a release signed with a key that the new record keeps; it then takes the record by itself.`,
  },

  FlashFailed: {
    means: t`The device could not write its flash memory. Its running image was not touched.`,
    todo: t`Try once more. A device that fails again has worn or broken flash: plan its replacement.`,
  },
  ReadBackMismatch: {
    means: t`What the device read back from flash was not what it had written. Its running image was not touched.`,
    todo: t`Try once more. A device that fails again has worn or broken flash: plan its replacement.`,
  },
  DownloadTimedOut: {
    means: t`The device did not finish the download before the deadline.`,
    todo: t`Check its connection, or allow more time in a new rollout. What it has already stored is kept.`,
  },
  OfferMalformed: {
    means: t`The device could not understand what the server offered.`,
    todo: t`Server and device agent may be too far apart in version: update the server.`,
  },
  UpdatePutOff: {
    means: t`So many updates of this device were begun and came to nothing that it waits before it begins another: each beginning wears its flash.`,
    todo: t`Wait: it begins by itself, within an hour. Find out why earlier ones came to nothing; a rollout that is cancelled again and again does this.`,
  },

  Crashed: {
    means: t`The new image crashed. The device went back to the former image by itself.`,
    todo: t`Read the crash log of the device, correct the image, and roll out a new version.`,
  },
  WatchdogExpired: {
    means: t`The new image hung and the watchdog ended it. The device went back to the former image by itself.`,
    todo: t`Look for an endless loop or a blocked task in the new image.`,
  },
  AppUnhealthy: {
    means: t`The new image ran, but its application did not report healthy in time. The device went back by itself.`,
    todo: t`Check the application's health test against what these devices see in the field.`,
  },
  SelfTestFailed: {
    means: t`The new image's own self-test failed. The device went back to the former image by itself.`,
    todo: t`Read the device's log for the failed test, correct the image, and roll out a new version.`,
  },
  NoContact: {
    means: t`The new image could not reach the server in time. The device went back to the former image by itself.`,
    todo: t`If the server was reachable for others, check the new image's network settings.`,
  },
  TriesExhausted: {
    means: t`The new image was started as often as allowed and never confirmed itself. The device went back.`,
    todo: t`Read the crash log of the device, correct the image, and roll out a new version.`,
  },
  CrashedRepeatedly: {
    means: t`An image that was once confirmed crashed at start again and again, so the device turned to its other image.`,
    todo: t`Read the crash log of the device: something in its surroundings or stored data may bring the image down.`,
  },

  CommandMalformed: {
    means: t`The device could not read the command.`,
    todo: t`Server and device agent may be too far apart in version: update the server.`,
  },
  CommandUnknown: {
    means: t`The device's agent does not know this kind of command.`,
    todo: t`Update the device first.`,
  },
  CommandForAnotherDevice: {
    means: t`The command was made for another device.`,
    todo: t`This points to a fault between server and device, or to an attack: look at the broker.`,
  },
  CommandForAnotherSession: {
    means: t`The command was made for an earlier session of the device.`,
    todo: t`Give the command again. If it stays so, somebody may be replaying messages: look at the broker.`,
  },
  CommandRepeated: {
    means: t`The device has seen this command before and did not carry it out again.`,
    todo: t`Give the command again. If it stays so, somebody may be replaying messages: look at the broker.`,
  },
  DeviceBusy: {
    means: t`The device is on trial, updating, or about to restart or to change its server.`,
    todo: t`Wait until that is over, then give the command again.`,
  },
  ConnectionNoContact: {
    means: t`The device had no proven contact at the new server address in time and returned to the one before.`,
    todo: t`Check the address, and that this server can be reached there from where the device is.`,
  },
  ConnectionTriesExhausted: {
    means: t`The device was restarted at the new server address as often as it may be, without contact, and returned to the one before.`,
    todo: t`Check the address and the device's power, then try again.`,
  },
  RollBackImpossible: {
    means: t`The other slot of the device holds no confirmed image that it would start.`,
    todo: t`Roll out the release that you want instead.`,
  },
  RolledBackByCommand: {
    means: t`Somebody told the device to go back to the image in its other slot.`,
    todo: t`Nothing: this is what was asked for. Roll out a release when the device shall have another image.`,
  },
  ConfigurationOlder: {
    means: t`The device has a newer configuration than this one.`,
    todo: t`Set the configuration again: it then gets a higher number.`,
  },
  ConfigurationRefused: {
    means: t`The device's app refused the configuration; the one before stays in force.`,
    todo: t`Read what the app says of it, correct the configuration, and set it again.`,
  },
  ConfigurationNotAnswered: {
    means: t`The device's app has not said in time whether it takes the configuration; the one before stays in force.`,
    todo: t`The app may be older than the configuration: roll out a release whose app takes one, then set it again.`,
  },
};

const byName = new Map<string, Words>(
  Object.entries(words).map(([key, value]) => [errorName(ErrorCode[key as keyof typeof words]), value]),
);

/**
 * The words for a stable code name such as `signature-mismatch`; undefined for a name that is not an image or device
 * code.
 */
export const errorWords = (codeName: string): Words | undefined => byName.get(codeName);
