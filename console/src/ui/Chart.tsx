import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { darkNow } from "./theme";
import { count } from "../text";

export interface Series {
  label: string;
  /** A custom property of tokens.css that holds a colour, such as `--series-1`. */
  color: string;
  /** One value for each time; null where there is none. */
  values: (number | null)[];
}

interface Props {
  label: string;
  /** Seconds since 1970. */
  times: number[];
  series: Series[];
  /** Lay the series on top of each other, as areas. */
  stacked?: boolean;
  height?: number;
  /** Leave out where another list names the series. */
  legend?: boolean;
  format?: (value: number) => string;
  /** Where the scale ends; otherwise a little above the largest value. */
  top?: number;
}

/** What a custom property is worth now: a canvas knows neither var() nor light-dark(). */
function color(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

const HOUR = 3600;
/** Between two labels of the time: a day and an hour stand in one, "11/26/26 5:12pm". */
const LABEL_SPACE = 100;

/** Running sums, so that each series stands on those before it. */
export function stack(series: Series[]): (number | null)[][] {
  const sums: number[] = [];
  return series.map(({ values }) => values.map((value, i) => (sums[i] = (sums[i] ?? 0) + (value ?? 0))));
}

function optionsOf({ series, stacked, height, legend = true, format = count, top }: Props, width: number): uPlot.Options {
  const axis = { stroke: color("--muted"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  return {
    width, height: height!, cursor: { y: false }, legend: { show: legend },
    padding: [8, 28, 0, 0],
    scales: {
      x: { range: (plot, min, max) => (plot.data[0].length === 1 ? [min - HOUR, min + HOUR] : [min, max]) },
      y: { range: (_, __, max) => [0, top ?? Math.max(max * 1.08, 1)] },
    },
    axes: [{ ...axis, space: LABEL_SPACE }, { ...axis, size: 52, values: (_, splits) => splits.map((value) => (value % 1 === 0 ? format(value) : "")) }],
    series: [
      { value: (_, time) => (time === null ? "–" : new Date(time * 1000).toLocaleString(undefined, { dateStyle: "short", timeStyle: "short" })), label: "Time" },
      ...series.map(({ label, color: name, values }) => ({
        label, stroke: color(name), width: 2, points: { show: values.filter((value) => value !== null).length < 2 },
        fill: stacked ? color(name).replace(/^rgb\((.*)\)$/, "rgba($1, 0.3)") : undefined,
        value: (_: uPlot, __: unknown, ___: unknown, index: number | null) =>
          index === null || values[index] == null ? "–" : format(values[index]!),
      })),
    ],
    bands: stacked ? series.slice(1).map((_, i): uPlot.Band => ({ series: [i + 2, i + 1] })) : undefined,
  };
}

/** A chart over time. What it shows stands beside it as text, or is only a glance: it is an image to assistive techniques. */
export function Chart(props: Props) {
  const box = useRef<HTMLDivElement>(null);
  const { times, series, stacked, label, height = 220 } = props;
  const dark = darkNow.value;
  useEffect(() => {
    const element = box.current!;
    const values = stacked ? stack(series) : series.map((one) => one.values);
    const plot = new uPlot(optionsOf({ ...props, height }, element.clientWidth), [times, ...values] as uPlot.AlignedData, element);
    const watch = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [times, series, stacked, dark, height]);
  return <div ref={box} class="chart" role="img" aria-label={label} />;
}
