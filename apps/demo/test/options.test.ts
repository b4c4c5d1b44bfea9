import { describe, expect, test } from "vitest";
import { isLoopback, whoReaches } from "../../../packages/processes/src/reach.ts";
import { type DemoOptions, readOptions } from "../src/options.ts";

const read = (args: string[], environment: NodeJS.ProcessEnv = {}): DemoOptions =>
  readOptions(args, "/var", environment) as DemoOptions;

describe("where npm start listens", () => {
  test.each<[name: string, args: string[], environment: NodeJS.ProcessEnv, host: string, mqttHost: string]>([
    ["nothing said: this machine alone", [], {}, "127.0.0.1", "127.0.0.1"],
    ["--listen for both", ["--listen", "0.0.0.0"], {}, "0.0.0.0", "0.0.0.0"],
    ["--mqtt-listen for MQTT alone", ["--mqtt-listen", "0.0.0.0"], {}, "127.0.0.1", "0.0.0.0"],
    ["HOST for both", [], { HOST: "192.0.2.7" }, "192.0.2.7", "192.0.2.7"],
    ["MQTT_HOST for MQTT alone", [], { MQTT_HOST: "::" }, "127.0.0.1", "::"],
    [
      "options before the environment",
      ["--listen", "localhost"],
      { HOST: "0.0.0.0", MQTT_HOST: "192.0.2.7" },
      "127.0.0.1",
      "192.0.2.7",
    ],
    ["an empty variable is none", [], { HOST: "", MQTT_HOST: "" }, "127.0.0.1", "127.0.0.1"],
  ])("%s", (_name, args, environment, host, mqttHost) => {
    expect(read(args, environment)).toMatchObject({ host, mqttHost });
  });

  test("what is no address is refused by the name of where it stands", () => {
    expect(() => read(["--listen", "everywhere"])).toThrow("--listen everywhere: an IPv4 address");
    expect(() => read([], { HOST: "my-laptop" })).toThrow("HOST (environment) my-laptop: an IPv4 address");
  });

  test("who reaches it is said in words", () => {
    expect(whoReaches("127.0.0.1")).toBe("only this machine");
    expect(whoReaches("127.8.8.8")).toBe("only this machine");
    expect(whoReaches("::1")).toBe("only this machine");
    expect(whoReaches("0.0.0.0")).toBe("anyone on this machine's networks, in clear");
    expect(whoReaches("::")).toBe("anyone on this machine's networks, in clear");
    expect(whoReaches("192.0.2.7")).toBe("anyone who reaches 192.0.2.7, in clear");
    expect(isLoopback("127.evil.example")).toBe(false);
  });
});
