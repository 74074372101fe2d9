// Loads what it is told to, once, and says what the whole life of the process has cost so far.

for (const name of process.argv.slice(2)) await import(name);
const { user, system } = process.cpuUsage();
process.stdout.write(JSON.stringify({ cpu: user + system, rss: process.memoryUsage.rss() }));
