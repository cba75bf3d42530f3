import { render } from "preact";
import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";
import "./style/shell.css";
import "./style/pages.css";
import "./style/ship.css";
import { App } from "./App";
import { followLinks } from "./router";

followLinks();
render(<App />, document.getElementById("app")!);
