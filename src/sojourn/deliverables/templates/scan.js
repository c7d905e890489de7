"use strict";
for (const viewer of document.querySelectorAll("[data-volume]")) {
  const shape = viewer.dataset.shape.split(",").map(Number);
  const raw = atob(viewer.dataset.volume);
  const palette = atob(viewer.dataset.palette);
  const [ni, nj, nk] = shape;
  const value = (i, j, k) => raw.charCodeAt(i + ni * (j + nj * k));
  const planes = {
    axial: { rows: nj, columns: ni, at: (r, c, s) => value(c, r, s) },
    coronal: { rows: nk, columns: ni, at: (r, c, s) => value(c, s, nk - 1 - r) },
    sagittal: { rows: nk, columns: nj, at: (r, c, s) => value(s, c, nk - 1 - r) },
  };
  for (const box of viewer.querySelectorAll("[data-plane]")) {
    const plane = planes[box.dataset.plane];
    const canvas = box.querySelector("canvas");
    const slider = box.querySelector("input");
    const place = box.querySelector("output");
    const draw = () => {
      const picture = canvas.getContext("2d").createImageData(plane.columns, plane.rows);
      const slice = Number(slider.value);
      for (let r = 0, p = 0; r < plane.rows; r++)
        for (let c = 0; c < plane.columns; c++, p += 4) {
          const level = 3 * plane.at(r, c, slice);
          for (let b = 0; b < 3; b++) picture.data[p + b] = palette.charCodeAt(level + b);
          picture.data[p + 3] = 255;
        }
      canvas.getContext("2d").putImageData(picture, 0, 0);
      place.textContent = (Number(box.dataset.first) + slice * Number(box.dataset.step)).toFixed(1).replace(/^-0\.0$/, "0.0") + " mm";
    };
    slider.addEventListener("input", draw);
    draw();
  }
}
