
(() => {
  "use strict";
  const steps = [...document.querySelectorAll(".steps details")];
  const all = [...document.querySelectorAll("details")];
  const set = (list, open) => list.forEach((one) => { one.open = open; });
  const tools = document.querySelector(".tools");
  if (tools) {
    const [open, close] = tools.querySelectorAll("button");
    open.addEventListener("click", () => set(steps, true));
    close.addEventListener("click", () => set(steps, false));
    tools.hidden = false;
  }
  const show = (step) => {
    step.open = true;
    const summary = step.querySelector("summary");
    summary.focus({ preventScroll: true });
    step.scrollIntoView({ block: "nearest" });
  };
  const go = () => {
    const step = steps.find((one) => one.id === location.hash.slice(1));
    if (step) { show(step); step.scrollIntoView({ block: "start" }); }
  };
  addEventListener("hashchange", go);
  go();
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !["j", "k"].includes(event.key) || !steps.length) return;
    const at = steps.findIndex((one) => one.contains(document.activeElement));
    const to = event.key === "j" ? Math.min(at + 1, steps.length - 1) : Math.max(at - 1, 0);
    const summary = steps[to].querySelector("summary");
    summary.focus({ preventScroll: true });
    summary.scrollIntoView({ block: "nearest" });
  });
  let closed = [];
  addEventListener("beforeprint", () => { closed = all.filter((one) => !one.open); set(closed, true); });
  addEventListener("afterprint", () => { set(closed, false); closed = []; });
  const map = document.querySelector(".map");
  const first = map && map.querySelector("a");
  if (first) {
    const [outer, inner] = [map.getBoundingClientRect(), first.getBoundingClientRect()];
    const to = (side, end) => inner[end] > outer[end] - 20 ? inner[side] - outer[side] - 40 : 0;
    map.scrollTo(to("left", "right"), to("top", "bottom"));
  }
})();
