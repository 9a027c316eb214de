/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_views: fills a database with a year of one tenant's reports and says
 * how much processor time each view of all of them takes, and of one domain,
 * and the newest reports and failures.
 *
 * usage: report_views [REPORTS [DOMAINS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "store/report_view.h"

#include "base/poison.h"

#define DAYS 365
#define BATCH 500u
#define ROUNDS 5
#define TARGET_MS 50.0
#define ORGS 25u
#define MTAS 40u /* of each organisation */

static const char *const results[] = { "certificate-host-mismatch",
	"starttls-not-supported", "sts-policy-fetch-error",
	"certificate-expired", "validation-failure" };

static uint64_t seed = 1;

static size_t drawn(size_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(seed >> 33) % n;
}

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void must(enum status st, const struct err *e)
{
	if (st == ST_OK)
		return;
	(void)fprintf(stderr, "report_views: %s\n", e->text);
	exit(3);
}

/* One in ten reports has failures, up to three. */
static enum status add_report(struct store *s, struct arena *a, size_t no,
	size_t reports, size_t domains, struct err *e)
{
	struct store_report_failure f[3];
	struct str lines[] = { STR("version: STSv1"), STR("mode: enforce"),
		STR("mx: *.mail.example"), STR("max_age: 604800") };
	struct store_report_policy p = { .type = STR("sts"),
		.strings = { lines, 4 },
		.ok = (int64_t)drawn(1000),
		.failures = f,
		.n_failures = drawn(10) == 0 ? 1 + drawn(3) : 0 };
	size_t org = drawn(ORGS);
	struct store_report r = { .tenant = STORE_TENANT_DEFAULT,
		.id = arena_fmt(a, "%012zu", no),
		.domain = arena_fmt(a, "d%zu.example", drawn(domains)),
		.org = arena_fmt(a, "Organisation %zu", org),
		.report_id = arena_fmt(a, "%zu@reports.example", no),
		.begin = (int64_t)(no * DAYS / reports) * UTC_DAY_S,
		.proof = STR("dkim:reports.example"),
		.policies = &p,
		.n_policies = 1 };

	for (size_t i = 0; i < p.n_failures; i++) {
		f[i] = (struct store_report_failure){
			.result_type = str_of(results[drawn(5)]),
			.sending_ip = arena_fmt(
				a, "192.0.%zu.%zu", org, drawn(MTAS)),
			.receiving_host = arena_fmt(
				a, "mx%zu.mail.example", drawn(3)),
			.sessions = 1 + (int64_t)drawn(9)
		};
		p.failed += f[i].sessions;
	}
	return store_report_add(s, &r, NULL, e);
}

static void fill(struct store *s, size_t reports, size_t domains)
{
	double began = now_ms();
	struct err e = {};

	for (size_t i = 0; i < reports;) {
		struct arena *a = arena_must(0);

		must(store_begin(s, &e), &e);
		for (size_t k = 0; k < BATCH && i < reports; k++, i++)
			must(add_report(s, a, i, reports, domains, &e), &e);
		must(store_commit(s, &e), &e);
		arena_free(&a);
	}
	(void)printf("%zu reports about %zu domains: %.0f/s into the "
		     "database\n",
		reports, domains, (double)reports / (now_ms() - began) * 1e3);
}

/* What is asked for: one of the three. */
struct question {
	const char *name;
	struct store_view_filter view;
	struct store_failure_filter failures;
	struct store_report_filter reports;
};

static enum status ask(struct store *s, struct arena *a,
	const struct question *q, size_t *n, struct err *e)
{
	struct store_failure *failures;
	struct store_view_row *rows;
	struct store_report *reports;

	if (q->view.limit > 0)
		return store_view_list(s, a, &q->view, &rows, n, e);
	if (q->failures.limit > 0)
		return store_failure_list(s, a, &q->failures, &failures, n, e);
	return store_report_list(s, a, &q->reports, true, &reports, n, e);
}

/* The best of some rounds, of processor time: not what else runs. */
static bool time_question(
	struct store *s, const struct question *q, struct str domain)
{
	double best = 1e9;
	size_t n = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct arena *a = arena_must(0);
		double began = now_ms();
		struct err e = {};

		must(ask(s, a, q, &n, &e), &e);
		if (now_ms() - began < best)
			best = now_ms() - began;
		arena_free(&a);
	}
	(void)printf("%-18s %-12.*s %6zu rows %8.1f ms  %s\n", q->name,
		STR_ARG(domain.n > 0 ? domain : STR("all")), n, best,
		best < TARGET_MS ? "pass" : "fail");
	return best < TARGET_MS;
}

static bool time_views(struct store *s, struct str domain)
{
	bool good = true;

	for (int v = 0; v < STORE_VIEWS; v++) {
		struct question q = { .name = store_view_name(
					      (enum store_view)v),
			.view = { .view = (enum store_view)v,
				.tenant = STORE_TENANT_DEFAULT,
				.domain = domain,
				.to = DAYS,
				.limit = 1000 } };

		good = time_question(s, &q, domain) && good;
	}
	return good;
}

static bool time_lists(struct store *s, struct str domain)
{
	struct question reports = { .name = "reports",
		.reports = { .tenant = STORE_TENANT_DEFAULT,
			.domain = domain,
			.limit = 100 } };
	struct question all = { .name = "failures",
		.failures = { .tenant = STORE_TENANT_DEFAULT,
			.domain = domain,
			.limit = 100 } };
	struct question one = all;
	bool good;

	one.name = "failures of a type";
	one.failures.result_type = str_of(results[0]);
	good = time_question(s, &reports, domain);
	good = time_question(s, &all, domain) && good;
	return time_question(s, &one, domain) && good;
}

int main(int argc, char **argv)
{
	static const char *const files[] = { "", "-wal", "-shm" };
	char dir[] = "/tmp/moat-views-XXXXXX", path[64];
	uint32_t reports = 100000, domains = 100;
	struct store *s = NULL;
	struct err e = {};
	bool good;

	if (argc > 3 ||
		(argc > 1 && num_u32(str_of(argv[1]), 1, 100000000, &reports) !=
				     ST_OK) ||
		(argc > 2 && num_u32(str_of(argv[2]), 1, 1000000, &domains) !=
				     ST_OK)) {
		(void)fprintf(
			stderr, "usage: report_views [REPORTS [DOMAINS]]\n");
		return 64;
	}
	if (mkdtemp(dir) == NULL)
		return 3;
	(void)snprintf(path, sizeof(path), "%s/db", dir);
	must(store_open(path, &s, &e), &e);
	fill(s, reports, domains);
	good = time_views(s, STR(""));
	good = time_views(s, STR("d0.example")) && good;
	good = time_lists(s, STR("")) && good;
	good = time_lists(s, STR("d0.example")) && good;
	store_close(&s);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/db%s", dir, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
	return good ? 0 : 1;
}
