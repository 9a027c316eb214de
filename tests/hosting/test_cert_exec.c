/* SPDX-License-Identifier: Apache-2.0 */
/* cert_exec: a command that hangs, and answers that come too late. */
#include <sys/stat.h>

#include "tests/io/tmpdir.h"
#include "tests/testing.h"

#include "base/clock.h"
#include "hosting/cert_exec.h"

#include "base/poison.h"

#define LIMIT_S 3

/* "held": a child keeps the output open; "late": the helper is stopped. */
static const char script[] =
	"#!/bin/sh\n"
	"case $1 in\n"
	"held) sleep 60 & ;;\n"
	"hung) exec sleep 60 ;;\n"
	"late) helper=$PPID\n"
	"      setsid sh -c \"sleep 7; kill -CONT $helper\" >/dev/null &\n"
	"      sleep 0.2; kill -STOP $helper ;;\n"
	"bad) exit 1 ;;\n"
	"esac\n"
	"echo of $1\n";

struct fixture {
	char dir[32];
	struct cert_exec *x;
};

static int setup(void **state)
{
	static struct fixture f;
	char path[64];
	struct err e;
	FILE *out;

	f = (struct fixture){ .dir = "/tmp/moat-exec-XXXXXX" };
	tmpdir_make(f.dir);
	(void)snprintf(path, sizeof(path), "%s/command", f.dir);
	out = fopen(path, "we");
	assert_non_null(out);
	assert_true(fputs(script, out) >= 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(cert_exec_start(path, LIMIT_S, &f.x, &e), ST_OK);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cert_exec_stop(&f->x);
	tmpdir_remove(f->dir);
	return 0;
}

static enum status run(struct fixture *f, const char *host, struct str *out)
{
	static char buf[64];
	struct err e;

	out->p = buf;
	return cert_exec_run(f->x, str_of(host), buf, sizeof(buf), &out->n, &e);
}

static void what_hangs_is_ended(void **state)
{
	static const char *const hosts[] = { "held", "hung", "bad", "-x" };
	struct str out;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		int64_t begun = clock_mono(clock_system()).ms;

		assert_int_equal(run(*state, hosts[i], &out), ST_INVALID);
		assert_in_range(
			clock_mono(clock_system()).ms - begun, 0, 30000);
		assert_int_equal(run(*state, "a.example", &out), ST_OK);
		assert_str(out, "of a.example\n");
	}
}

static void a_late_answer_is_nobody_elses(void **state)
{
	struct str out;

	assert_int_equal(run(*state, "late", &out), ST_TEMP);
	assert_int_equal(run(*state, "a.example", &out), ST_OK);
	assert_str(out, "of a.example\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_hangs_is_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_late_answer_is_nobody_elses, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
