// What the status page tells of a device: who it is, what it runs and since when, and what came over its network.

import { BootState } from "../boot-state";
import { clockUs } from "../exokernel";
import { divided } from "../divide";
import { Site } from "../http/http-connection";
import { StatusPage, StatusSource } from "../http/status-page";
import { deviceIdBytes, deviceIdPtr } from "../identity/factory";
import { Counter, Network } from "../net/network";

export class DeviceStatus extends StatusSource {
  site: Site | null = null;

  constructor(
    private network: Network,
    private boot: BootState,
  ) {
    super();
  }

  tell(page: StatusPage): void {
    const boot = this.boot;
    const running = boot.running;
    const version = running.bytes.dataStart + running.header.versionOffset;
    page.bytes("device", deviceIdPtr(), deviceIdBytes());
    page.bytes("version", version, running.header.versionBytes);
    page.word("slot", boot.runningSlot == 0 ? "a" : "b");
    page.word("trial", boot.trial ? "under way" : "none");
    page.number("boot", boot.bootCounter);
    const ms = divided(<u64>clockUs(), 1000);
    page.number("uptimeMs", <i64>ms);
    this.tellCounter(page, "framesIn", Counter.FramesIn);
    this.tellCounter(page, "framesOut", Counter.FramesOut);
    this.tellCounter(page, "tcpRetransmits", Counter.TcpRetransmits);
    this.tellCounter(page, "tcpRefused", Counter.TcpRefused);
    this.tellCounter(page, "droppedTcp", Counter.DroppedTcp);
    const site = this.site;
    if (!site) return;
    page.number("httpRequests", site.requests);
    page.number("httpRefused", site.refused);
    page.number("keys", site.keyValue.table.count());
  }

  private tellCounter(page: StatusPage, name: string, which: Counter): void {
    page.number(name, this.network.counter(which));
  }
}
