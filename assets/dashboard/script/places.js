// Where the places of the navigation do not all fit beside each other, the one that is shown comes into sight.
(() => {
  "use strict";
  document.addEventListener("DOMContentLoaded", () => {
    const here = document.querySelector(".places [aria-current]");
    const around = here?.closest(".places");
    if (around) around.scrollLeft = here.offsetLeft - around.offsetLeft - (around.clientWidth - here.offsetWidth) / 2;
  });
})();
