// The console's words in the language that was chosen. What the macros make of `t`, `plural` and `Trans` comes here:
// messages are in the code in English, and are replaced by those of a catalogue where one was loaded before
// (start-language.ts), which is before any other module of the console.

import { type I18n, setupI18n } from "@lingui/core";
import { compileMessage } from "@lingui/message-utils/compileMessage";

export const i18n: I18n = setupI18n({ locale: "en", messages: { en: {} } });
i18n.setMessagesCompiler(compileMessage);
