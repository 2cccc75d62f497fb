
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
  // Of a large graph, what the plan moves is what one wants to see.
  const map = document.querySelector(".map");
  const moved = map ? [...map.querySelectorAll("a")].map((one) => one.getBoundingClientRect()) : [];
  if (moved.length) {
    const outer = map.getBoundingClientRect();
    const middle = moved.reduce((sum, one) => sum + (one.left + one.right) / 2, 0) / moved.length;
    const top = Math.min(...moved.map((one) => one.top));
    const isBelow = moved.some((one) => one.bottom > outer.bottom);
    map.scrollTo(middle - outer.left - outer.width / 2, isBelow ? top - outer.top - 40 : 0);
  }
})();
