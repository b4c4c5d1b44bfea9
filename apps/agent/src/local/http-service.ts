// Status page and key-value service of a device that has booted: the site, and the server on port 80.

import { BootState } from "../boot-state";
import { Answer } from "../http/answer";
import { Site } from "../http/http-connection";
import { HttpServer } from "../http/http-server";
import { KeyValueService } from "../http/key-value-service";
import { KeyValueTable } from "../http/key-value-table";
import { StatusPage } from "../http/status-page";
import { Network } from "../net/network";
import { DeviceStatus } from "./device-status";

const PORT: u32 = 80; // RFC 9110 §4.2.1

export class HttpService {
  readonly server: HttpServer;

  constructor(network: Network, boot: BootState, clients: i32, keysMax: u32, valueBytesMax: u32) {
    const status = new DeviceStatus(network, boot);
    const table = new KeyValueTable(keysMax, valueBytesMax, clients);
    const site = new Site(new Answer(), new StatusPage(status), new KeyValueService(table));
    status.site = site;
    this.server = new HttpServer(PORT, clients, site);
  }
}
