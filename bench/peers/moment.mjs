// Times as guichet's answers have them.

// The shop stores local times without a zone. JavaScript reads such a time in the zone of the process.
process.env.TZ = "Europe/Paris";

// A moment as text in UTC, with six digits below the second.
export function moment(date) {
  // In the hour that autumn repeats, JavaScript takes the first of two moments and guichet the second one.
  const later = new Date(date.getTime() + 3_600_000);
  const repeated = later.getHours() === date.getHours();
  return `${(repeated ? later : date).toISOString().slice(0, -1)}000Z`;
}

// A day of the shop.
export function day(date) {
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
