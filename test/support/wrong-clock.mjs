// `node --import` this with WRONG_CLOCK_DAYS: the machine's clock stands wrong by so many days, for this process.
const shiftMs = Number(process.env.WRONG_CLOCK_DAYS) * 86_400_000;
const RightDate = Date;
globalThis.Date = class extends RightDate {
  constructor(...given) {
    if (given.length === 0) super(RightDate.now() + shiftMs);
    else super(...given);
  }
  static now() {
    return RightDate.now() + shiftMs;
  }
};
