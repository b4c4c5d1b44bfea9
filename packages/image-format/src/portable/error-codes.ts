// Stable error codes: what a device says on the wire (as a number), what the server and console show (the name in
// kebab-case). A number is never reused. docs/image-format.md explains each.

export enum ErrorCode {
  None = 0,

  // The image's own form (1..39)
  ImageTruncated = 1,
  ImageTrailingBytes = 2,
  HeaderMalformed = 3,
  HeaderVersionUnsupported = 4,
  HeaderUnknownCriticalField = 5,
  HeaderFieldMissing = 6,
  HeaderFeatureUnsupported = 7,
  SignatureBlockMalformed = 8,
  SignatureUnknownKey = 9,
  SignatureNotCanonical = 10,
  SignatureSmallOrder = 11,
  SignatureMismatch = 12,
  ChunkTableMismatch = 13,
  ChunkMismatch = 14,
  SignaturesTooFew = 15,

  // This device (40..59)
  ProductMismatch = 40,
  HardwareMismatch = 41,
  ImageTooLarge = 42,
  SecurityCounterTooLow = 43,
  ReleaseSequenceTooLow = 44,
  LoaderTooOld = 45,
  TrustTooOld = 46,
  LoadAddressRefused = 47,
  PermitInvalid = 48,
  TrustRecordInvalid = 49,
  TrustNotNewer = 50,
  TrustForked = 51,
  TrustWouldRefuseImage = 52,

  // While it was written (60..69)
  FlashFailed = 60,
  ReadBackMismatch = 61,
  DownloadTimedOut = 62,
  OfferMalformed = 63,
  UpdatePutOff = 64,

  // Why a started image did not stay (70..89)
  Crashed = 70,
  WatchdogExpired = 71,
  AppUnhealthy = 72,
  SelfTestFailed = 73,
  NoContact = 74,
  TriesExhausted = 75,
  CrashedRepeatedly = 76,

  // Commands, connection settings and configuration (90..109)
  CommandMalformed = 90,
  CommandUnknown = 91,
  CommandForAnotherDevice = 92,
  CommandForAnotherSession = 93,
  CommandRepeated = 94,
  DeviceBusy = 95,
  ConnectionNoContact = 96,
  ConnectionTriesExhausted = 97,
  RollBackImpossible = 98,
  RolledBackByCommand = 99,
  ConfigurationOlder = 100,
  ConfigurationRefused = 101,
  ConfigurationNotAnswered = 102,
}
