/**
 * Logistic regression with soft labels, row weights and an L1 penalty, without an intercept: the
 * model behind AlpacaEval's length-controlled win rate. It knows nothing of judges or lengths.
 *
 * The objective is scikit-learn's (penalty "l1", solver "liblinear", fit_intercept False):
 *   ‖β‖₁ + C · Σ wᵢ · [ −yᵢ log σ(xᵢβ) − (1 − yᵢ) log(1 − σ(xᵢβ)) ].
 * Duplicating each row with the labels 1 and 0 and the weights w·y and w·(1−y), as AlpacaEval does,
 * is the same sum. The minimum is unique and found exactly (proximal Newton: a quadratic model with
 * the penalty, minimised by coordinate descent, then a line search), where liblinear stops at its
 * tolerance of 1e-4; its coefficients agree with ours to about that.
 */

/** A row of a regression. */
export interface RegressionRow {
  readonly features: readonly number[];
  /** 0…1. */
  readonly label: number;
  /** ≥ 0. */
  readonly weight: number;
}

/** log(1 + eᶻ) without overflow. */
const softplus = (z: number) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

/** The logistic function. */
export const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function objective(rows: readonly RegressionRow[], c: number, beta: readonly number[]): number {
  let loss = 0;
  for (const { features, label, weight } of rows) {
    const z = dot(features, beta);
    loss += weight * (softplus(z) - label * z);
  }
  return beta.reduce((sum, value) => sum + Math.abs(value), c * loss);
}

/** Gradient and Hessian of C · Σ loss. */
function derivatives(rows: readonly RegressionRow[], c: number, beta: readonly number[]) {
  const width = beta.length;
  const gradient = new Array<number>(width).fill(0);
  const hessian = gradient.map(() => new Array<number>(width).fill(0));
  for (const { features: x, label, weight: own } of rows) {
    const p = sigmoid(dot(x, beta));
    const weight = c * own;
    for (let j = 0; j < width; j++) {
      gradient[j]! += weight * (p - label) * x[j]!;
      for (let k = 0; k <= j; k++) hessian[j]![k]! += weight * p * (1 - p) * x[j]! * x[k]!;
    }
  }
  for (let j = 0; j < width; j++) for (let k = 0; k < j; k++) hessian[k]![j] = hessian[j]![k]!;
  return { gradient, hessian };
}

/** Minimises g·d + ½ dᵀHd + ‖β + d‖₁ over d by coordinate descent; returns β + d. */
function proximalStep(beta: readonly number[], gradient: number[], hessian: number[][]): number[] {
  const next = [...beta];
  for (let sweep = 0; sweep < 1000; sweep++) {
    let moved = 0;
    for (let j = 0; j < beta.length; j++) {
      // A flat coordinate (all its features 0) has nothing to say: the penalty puts it at 0.
      const curvature = Math.max(hessian[j]![j]!, 1e-12);
      const slope = gradient[j]! +
        hessian[j]!.reduce((s, h, k) => s + h * (next[k]! - beta[k]!), 0);
      const target = curvature * next[j]! - slope;
      const value = Math.sign(target) * Math.max(Math.abs(target) - 1, 0) / curvature;
      moved = Math.max(moved, Math.abs(value - next[j]!));
      next[j] = value;
    }
    if (moved < 1e-13) break;
  }
  return next;
}

/**
 * The coefficients that minimise the objective.
 *
 * @param c inverse strength of the penalty, > 0
 * @param start where to begin: the neighbouring solution when C is varied
 * @throws if there is no row, rows differ in width, or a value is not finite
 */
export function fitLogisticL1(
  rows: readonly RegressionRow[],
  c: number,
  start?: readonly number[],
): number[] {
  const width = rows[0]?.features.length;
  if (width === undefined) throw new Error("Expected at least one row to fit but found none");
  rows.forEach(({ features, label, weight }, i) => {
    if (features.length === width && [...features, label, weight].every(Number.isFinite)) return;
    throw new Error(
      `Expected ${width} finite features, a label and a weight in row ${i} but found ` +
        `[${features}], ${label}, ${weight}`,
    );
  });
  let beta = start ? [...start] : new Array<number>(width).fill(0);
  let value = objective(rows, c, beta);
  for (let iteration = 0; iteration < 200; iteration++) {
    const { gradient, hessian } = derivatives(rows, c, beta);
    const target = proximalStep(beta, gradient, hessian);
    let next = target, nextValue = objective(rows, c, next);
    for (let step = 0.5; nextValue > value && step > 1e-10; step /= 2) {
      next = beta.map((b, j) => b + step * (target[j]! - b));
      nextValue = objective(rows, c, next);
    }
    if (nextValue > value) break; // at the limit of floating point
    const moved = Math.max(...next.map((b, j) => Math.abs(b - beta[j]!)));
    [beta, value] = [next, nextValue];
    if (moved < 1e-10) break;
  }
  return beta;
}

/** −mean of weight · log likelihood, AlpacaEval's cross-validation score with its sign turned. */
function heldOutLoss(rows: readonly RegressionRow[], beta: readonly number[]): number {
  let sum = 0;
  for (const { features, label, weight } of rows) {
    const p = Math.min(Math.max(sigmoid(dot(features, beta)), 1e-15), 1 - 1e-15);
    // AlpacaEval scores each duplicated row with its own soft label, so both rows weigh the same
    // and both carry the full loss: the mean over 2n rows equals the mean over n.
    sum -= weight * (label * Math.log(p) + (1 - label) * Math.log(1 - p));
  }
  return sum / rows.length;
}

/** AlpacaEval's `GroupKFold(5)`. */
const FOLDS = 5;

/** scikit-learn's ten values of C: logspace(−4, 4, 10). */
const PENALTIES = Array.from({ length: 10 }, (_, i) => 10 ** (-4 + (8 * i) / 9));

/**
 * Chooses C by 5-fold cross-validation and fits all rows with it, as `LogisticRegressionCV` over
 * `GroupKFold` does (a row and its duplicate stay together; rows go to the folds in turn).
 *
 * @returns the chosen C, the coefficients, and the mean held-out loss for each C
 * @throws if there are fewer rows than folds
 */
export function crossValidateLogisticL1(
  rows: readonly RegressionRow[],
): { readonly c: number; readonly beta: number[]; readonly losses: number[] } {
  if (rows.length < FOLDS) {
    throw new Error(`Expected at least ${FOLDS} rows for as many folds but found ${rows.length}`);
  }
  const losses = PENALTIES.map(() => 0);
  for (let fold = 0; fold < FOLDS; fold++) {
    const train = rows.filter((_, i) => i % FOLDS !== fold);
    const held = rows.filter((_, i) => i % FOLDS === fold);
    let beta: number[] | undefined;
    PENALTIES.forEach((c, k) => {
      beta = fitLogisticL1(train, c, beta);
      losses[k]! += heldOutLoss(held, beta) / FOLDS;
    });
  }
  const c = PENALTIES[losses.indexOf(Math.min(...losses))]!;
  return { c, beta: fitLogisticL1(rows, c), losses };
}
