/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moat-example: may mail go to this MX host under this MTA-STS policy?
 *
 *     cc -o moat-example moat-example.c $(pkg-config --cflags --libs moat)
 *     ./moat-example mta-sts.txt mx1.example.com
 *     ./moat-example report.json
 */
#include <stdio.h>

#include <moat.h>

static char text[1 << 20];

static int check_host(size_t n, const char *host)
{
	struct moat_policy *policy = NULL;
	struct moat_error err = { "" };
	int ok;

	if (moat_policy_read(text, n, &policy, &err) != MOAT_OK) {
		fprintf(stderr, "no valid policy: %s\n", err.text);
		return 2;
	}
	ok = moat_policy_mode(policy) != MOAT_MODE_ENFORCE ||
	     moat_policy_matches(policy, host);
	printf("%s: %s\n", host, ok ? "deliver" : "do not deliver");
	moat_policy_free(&policy);
	return ok ? 0 : 1;
}

static int show_report(size_t n)
{
	struct moat_report *report = NULL;
	struct moat_error err = { "" };
	const struct moat_report_policy *p;
	const struct moat_report_failure *f;

	if (moat_report_read(text, n, &report, &err) != MOAT_OK) {
		fprintf(stderr, "no report: %s\n", err.text);
		return 2;
	}
	for (size_t i = 0; (p = moat_report_policy(report, i)) != NULL; i++) {
		printf("%s: %lld good, %lld failed\n",
			p->domain == NULL ? "?" : p->domain,
			(long long)p->successful_sessions,
			(long long)p->failed_sessions);
		for (size_t k = 0;
			(f = moat_report_failure(report, i, k)) != NULL; k++)
			printf("  %s: %lld\n",
				f->result == NULL ? "?" : f->result,
				(long long)f->failed_sessions);
	}
	moat_report_free(&report);
	return 0;
}

int main(int argc, char **argv)
{
	FILE *file = argc == 2 || argc == 3 ? fopen(argv[1], "rb") : NULL;
	size_t n;

	if (file == NULL) {
		fprintf(stderr, "usage: moat-example POLICY HOST | REPORT\n");
		return 64;
	}
	n = fread(text, 1, sizeof(text), file);
	fclose(file);
	return argc == 3 ? check_host(n, argv[2]) : show_report(n);
}
