export { drivePage } from "./drive.ts";
export { measurePage } from "./measure.ts";
