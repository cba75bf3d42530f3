import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { useAction } from "./api/resource";
import { begin, session } from "./api/session";
import { match } from "./match";
import { path } from "./router";
import { DevicePage } from "./pages/Device";
import { DevicesPage } from "./pages/Devices";
import { FirmwarePage } from "./pages/Firmware";
import { FirmwareOnePage } from "./pages/FirmwareOne";
import { NewShipmentPage } from "./pages/NewShipment";
import { NotFoundPage } from "./pages/NotFound";
import { OverviewPage } from "./pages/Overview";
import { PasswordPage } from "./pages/Password";
import { SettingsPage } from "./pages/Settings";
import { ShipmentPage } from "./pages/Shipment";
import { ShipmentsPage } from "./pages/Shipments";
import { SignInPage } from "./pages/SignIn";
import { ErrorNote } from "./ui/ErrorNote";
import { Keys } from "./ui/Keys";
import { Shell } from "./ui/Shell";

/** The first that fits is shown; parameters of the path are the page's properties. */
const ROUTES: [string, ComponentType<any>][] = [
  ["/", OverviewPage],
  ["/devices", DevicesPage],
  ["/devices/:id", DevicePage],
  ["/firmware", FirmwarePage],
  ["/firmware/:id", FirmwareOnePage],
  ["/shipments", ShipmentsPage],
  ["/shipments/new", NewShipmentPage],
  ["/shipments/:id", ShipmentPage],
  ["/settings", SettingsPage],
  ["/settings/:part", SettingsPage],
];

function Routed() {
  for (const [pattern, Page] of ROUTES) {
    const parameters = match(pattern, path.value);
    if (parameters) return <Page key={pattern + (parameters.id ?? "")} {...parameters} />;
  }
  return <NotFoundPage />;
}

export function App() {
  const start = useAction(begin);
  useEffect(() => void start.run(), []);
  const self = session.value;
  if (start.error) return <main class="alone"><ErrorNote error={start.error} retry={() => void start.run()} /></main>;
  if (self === undefined) return null;
  if (self === null) return <SignInPage />;
  if (self.must_change_password) return <PasswordPage />;
  return <Shell><Routed /><Keys /></Shell>;
}
