/* SPDX-License-Identifier: Apache-2.0 */
/* Postfix of several versions as postconf tells of it, and what is said. */
#include "outbound/doctor_postfix.h"
#include "tests/testing.h"

#include "base/poison.h"

#define OURS "socketmap:inet:127.0.0.1:8461:"
#define MAIN(version, level, dns, maps)                                        \
	"mail_version = " version "\nmail_owner = postfix\n"                   \
	"queue_directory = /var/spool/postfix\n"                               \
	"smtp_dns_support_level = " dns "\n"                                   \
	"smtp_tls_CAfile =\nsmtp_tls_CApath = /etc/ssl/certs\n"                \
	"smtp_tls_loglevel = 1\n"                                              \
	"smtp_tls_policy_maps = " maps "\n"                                    \
	"smtp_tls_security_level = " level "\n"                                \
	"tls_append_default_CA = no\n"
#define MASTER                                                                 \
	"smtp       inet  n       -       y       -       -       smtpd\n"     \
	"smtp       unix  -       -       n       -       -       smtp\n"
#define CHROOT "smtp       unix  -       -       y       -       -       smtp\n"
#define CHROOT_UNSAID                                                          \
	"smtp       unix  -       -       -       -       -       smtp\n"
#define MASTER_OWN                                                             \
	MASTER "relay      unix  -       -       n       -       -       "     \
	       "smtp -o smtp_tls_security_level=may\n"

static const struct engine_profile profiles[] = {
	{ { "sts", 3 }, { .kind = STS_PROFILE_STS } },
	{ { "sts-tlsrpt", 10 },
		{ .kind = STS_PROFILE_STS_TLSRPT, .tlsrpt = true } },
	{ { "dane-sts", 8 }, { .kind = STS_PROFILE_DANE_STS } },
	{ { "dane-new", 8 }, { .kind = STS_PROFILE_DANE_STS, .tlsrpt = true } },
	{ { "seen", 4 }, { .kind = STS_PROFILE_STS_TLSRPT,
				 .tlsrpt = true,
				 .visibility = true } },
};

static const struct str places[] = { { "127.0.0.1:8461", 14 } };

static struct doctor judge(struct arena *a, const char *main,
	const char *master, struct doctor_map *map)
{
	struct doctor_moat moat = { profiles, 5, places, 1,
		STR("/var/spool/postfix/moat/policy.sock") };
	struct doctor_postfix p = doctor_postfix_of(
		str_of(main), str_of(master));
	struct doctor d = doctor_of(a);

	doctor_postfix_judge(&d, &p, &moat, map);
	return d;
}

/* The worst that a test said; -1: it said nothing. */
static int verdict_of(const struct doctor *d, const char *id)
{
	int worst = -1;

	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->items[i].id, id) == 0 &&
			(int)d->items[i].verdict > worst)
			worst = (int)d->items[i].verdict;
	return worst;
}

/* Each row says which test is not good, and how bad; "": all are good. */
static const struct row {
	const char *main, *master, *id;
	int verdict;
} rows[] = {
	{ MAIN("3.7.11", "dane", "dnssec", OURS "sts"), MASTER, "", 0 },
	{ MAIN("3.4.13", "may", "dnssec", OURS "dane-sts"), CHROOT, "", 0 },
	{ MAIN("3.10.13", "dane", "dnssec", OURS "sts-tlsrpt"), MASTER, "", 0 },
	{ MAIN("3.12-20260821", "may", "dnssec", OURS "dane-new"), MASTER, "",
		0 },
	/* Debian's own, nothing done yet. */
	{ MAIN("3.7.11", "may", "", ""), MASTER, "postfix.maps", DOCTOR_ERROR },
	{ MAIN("3.7.11", "may", "", "socketmap:inet:127.0.0.1:8465:sts"),
		MASTER, "postfix.maps", DOCTOR_ERROR },
	/* servername= is unknown to it. */
	{ MAIN("3.3.22", "dane", "dnssec", OURS "sts"), MASTER,
		"postfix.version", DOCTOR_ERROR },
	{ MAIN("none", "dane", "dnssec", OURS "sts"), MASTER, "postfix.version",
		DOCTOR_UNTESTED },
	/* The right name for the version. */
	{ MAIN("3.9.4", "dane", "dnssec", OURS "sts-tlsrpt"), MASTER,
		"postfix.profile", DOCTOR_ERROR },
	{ MAIN("3.7.11", "may", "dnssec", OURS "dane-new"), MASTER,
		"postfix.profile", DOCTOR_ERROR },
	{ MAIN("3.10.0", "dane", "dnssec", OURS "sts"), MASTER, "", 0 },
	{ MAIN("3.10.0", "dane", "dnssec",
		  OURS "sts") "smtp_tlsrpt_enable = yes\n",
		MASTER, "postfix.profile", DOCTOR_WARNING },
	{ MAIN("3.10.0", "may", "dnssec",
		  OURS "dane-sts") "smtp_tlsrpt_enable = yes\n",
		MASTER, "postfix.profile", DOCTOR_WARNING },
	{ MAIN("3.7.11", "dane", "dnssec", OURS "nothing"), MASTER,
		"postfix.profile", DOCTOR_ERROR },
	/* DANE needs DNSSEC, and somebody who does it. */
	{ MAIN("3.7.11", "dane", "enabled", OURS "sts"), MASTER,
		"postfix.dnssec", DOCTOR_ERROR },
	{ MAIN("3.7.11", "may", "", OURS "dane-sts"), MASTER, "postfix.dnssec",
		DOCTOR_ERROR },
	{ MAIN("3.7.11", "may", "dnssec",
		  OURS "dane-sts") "ignore_mx_lookup_error = yes\n",
		MASTER, "postfix.dnssec", DOCTOR_ERROR },
	{ MAIN("3.7.11", "may", "dnssec",
		  OURS "dane-sts") "smtp_host_lookup = native\n",
		MASTER, "postfix.dnssec", DOCTOR_ERROR },
	{ MAIN("3.7.11", "may", "dnssec",
		  OURS "dane-sts") "ignore_mx_lookup_error = no\n"
				   "smtp_host_lookup = native, dns\n",
		MASTER, "", 0 },
	{ MAIN("3.7.11", "may", "", OURS "sts"), MASTER, "postfix.level",
		DOCTOR_WARNING },
	/* The level as Postfix 2.2 had it. */
	{ MAIN("3.7.11", "", "dnssec", OURS "dane-sts") "smtp_use_tls = yes\n",
		MASTER, "", 0 },
	{ MAIN("3.7.11", "", "dnssec",
		  OURS "dane-sts") "smtp_enforce_tls = yes\n",
		MASTER, "postfix.level", DOCTOR_WARNING },
	{ MAIN("3.7.11", "", "dnssec", OURS "dane-sts"), MASTER,
		"postfix.level", DOCTOR_ERROR },
	{ MAIN("3.7.11", "encrypt", "dnssec", OURS "dane-sts"), MASTER,
		"postfix.level", DOCTOR_WARNING },
	{ MAIN("3.10.5", "dane", "dnssec", OURS "seen"), MASTER,
		"postfix.level", DOCTOR_WARNING },
	/* What is asked before moat. */
	{ MAIN("3.7.11", "dane", "dnssec",
		  "hash:/etc/postfix/tls_policy, " OURS "sts"),
		MASTER, "", 0 },
	{ MAIN("3.7.11", "dane", "dnssec", "static:encrypt " OURS "sts"),
		MASTER, "postfix.tables", DOCTOR_ERROR },
	{ MAIN("3.7.11", "dane", "dnssec",
		  "inline:{ {a.example = static:may, x} }, "
		  "socketmap:inet:127.0.0.1:8642:QUERY," OURS "sts"),
		MASTER, "postfix.tables", DOCTOR_WARNING },
	{ MAIN("3.7.11", "dane", "dnssec", OURS "sts static:encrypt"), MASTER,
		"", 0 },
	{ MAIN("3.7.11", "dane", "dnssec", OURS "sts"), MASTER_OWN,
		"postfix.master", DOCTOR_WARNING },
	/* The unix socket, from within and without a chroot. */
	{ MAIN("3.7.11", "dane", "dnssec",
		  "socketmap:unix:moat/policy.sock:sts"),
		CHROOT, "", 0 },
	{ MAIN("3.7.11", "dane", "dnssec",
		  "socketmap:unix:/moat/policy.sock:sts"),
		CHROOT, "", 0 },
	{ MAIN("3.7.11", "dane", "dnssec",
		  "socketmap:unix:/moat/policy.sock:sts") "compatibility_level "
							  "= 0\n",
		CHROOT_UNSAID, "", 0 },
	{ MAIN("3.7.11", "dane", "dnssec",
		  "socketmap:unix:/moat/policy.sock:sts") "compatibility_level "
							  "= 3.6\n",
		CHROOT_UNSAID, "postfix.maps", DOCTOR_ERROR },
	/* proxymap(8) asks, and is in no chroot. */
	{ MAIN("3.7.11", "dane", "dnssec",
		  "proxy:socketmap:unix:/var/spool/postfix/moat/"
		  "policy.sock:sts"),
		CHROOT, "", 0 },
	{ MAIN("3.7.11", "dane", "dnssec",
		  "proxy:socketmap:unix:/moat/policy.sock:sts"),
		CHROOT, "postfix.maps", DOCTOR_ERROR },
	{ MAIN("3.7.11", "dane", "dnssec",
		  "socketmap:unix:/moat/policy.sock:sts"),
		MASTER, "postfix.maps", DOCTOR_ERROR },
};

static void each_row_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_must(0);
		struct doctor_map map;
		struct doctor d = judge(a, rows[i].main, rows[i].master, &map);

		if (rows[i].id[0] == '\0') {
			if (doctor_worst(&d) != 0)
				print_error("row %zu\n", i);
			assert_int_equal(doctor_worst(&d), 0);
			assert_non_null(map.profile);
		} else if (verdict_of(&d, rows[i].id) != rows[i].verdict) {
			print_error("row %zu: %s is %d\n", i, rows[i].id,
				verdict_of(&d, rows[i].id));
			fail();
		}
		for (size_t n = 0; n < d.n; n++)
			assert_int_equal(d.items[n].verdict == DOCTOR_GOOD,
				d.items[n].remedy[0] == '\0');
		arena_free(&a);
	}
}

/* It can be written as it is told. */
static void the_line_to_write_is_told(void **state)
{
	static const struct {
		const char *main, *line;
		struct doctor_moat moat;
	} cases[] = {
		{ MAIN("3.7.11", "may", "", ""), " = " OURS "dane-sts ",
			{ profiles, 5, places, 1, {} } },
		{ MAIN("3.7.11", "dane", "dnssec", ""), " = " OURS "sts ",
			{ profiles, 5, places, 1, {} } },
		{ MAIN("3.10.0", "dane", "dnssec", ""),
			" = " OURS "sts-tlsrpt ",
			{ profiles, 5, places, 1, {} } },
		{ MAIN("3.10.0", "may", "dnssec", ""),
			" = socketmap:unix:moat/policy.sock:dane-sts ",
			{ profiles, 5, NULL, 0,
				{ "/var/spool/postfix/moat/policy.sock",
					35 } } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena *a = arena_must(0);
		struct doctor d = doctor_of(a);
		struct doctor_map map = {};
		struct doctor_postfix p = doctor_postfix_of(
			str_of(cases[i].main), STR(MASTER));
		bool told = false;

		doctor_postfix_judge(&d, &p, &cases[i].moat, &map);
		for (size_t n = 0; n < d.n; n++)
			told |= strstr(d.items[n].remedy, cases[i].line) !=
				NULL;
		assert_true(told);
		arena_free(&a);
	}
}

static void without_trusted_certificates_all_mail_waits(void **state)
{
	struct arena *a = arena_must(0);
	struct doctor_map map;
	/* The system's are appended to those of the other two, or not at all.
	 */
	struct doctor d = judge(a,
		"mail_version = 3.7.11\nsmtp_tls_CAfile =\nsmtp_tls_CApath =\n"
		"tls_append_default_CA = yes\n",
		MASTER, &map);

	(void)state;
	assert_int_equal(verdict_of(&d, "postfix.trust"), DOCTOR_ERROR);
	arena_free(&a);
}

static void patterns_are_compared_from_3_10_5_on(void **state)
{
	static const struct {
		const char *main;
		int verdict;
	} cases[] = {
		{ MAIN("3.10.4", "dane", "dnssec", OURS "sts-tlsrpt"), -1 },
		{ MAIN("3.10.5", "dane", "dnssec",
			  OURS "sts-tlsrpt") "smtp_tls_enforce_sts_mx_patterns "
					     "= yes\n",
			DOCTOR_GOOD },
		{ MAIN("3.11.0", "dane", "dnssec",
			  OURS "sts-tlsrpt") "smtp_tls_enforce_sts_mx_patterns "
					     "= no\n",
			DOCTOR_WARNING },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena *a = arena_must(0);
		struct doctor_map map;
		struct doctor d = judge(a, cases[i].main, MASTER, &map);

		assert_int_equal(
			verdict_of(&d, "postfix.patterns"), cases[i].verdict);
		arena_free(&a);
	}
}

static void a_resolver_is_trusted_on_loopback_alone(void **state)
{
	static const struct {
		const char *conf;
		int verdict;
	} cases[] = {
		{ "# x\nnameserver 127.0.0.1\noptions trust-ad\n",
			DOCTOR_GOOD },
		{ "nameserver ::1\nnameserver 127.0.0.53", DOCTOR_GOOD },
		{ "", DOCTOR_GOOD },
		{ "nameserver 192.0.2.53\n", DOCTOR_ERROR },
		{ "nameserver 127.0.0.1\nnameserver\t192.0.2.53\n",
			DOCTOR_ERROR },
		{ "nameserver x\n", DOCTOR_GOOD }, /* passed over by libc */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena *a = arena_must(0);
		struct doctor d = doctor_of(a);

		doctor_resolv_conf(&d, str_of(cases[i].conf), "resolv.conf");
		assert_int_equal(
			verdict_of(&d, "postfix.resolver"), cases[i].verdict);
		arena_free(&a);
	}
}

/* "Could not test" never counts as good, an error more than it. */
static void the_exit_code_is_of_the_worst(void **state)
{
	struct arena *a = arena_must(0);
	struct doctor d = doctor_of(a);

	(void)state;
	assert_int_equal(doctor_worst(&d), 0);
	doctor_add(&d, DOCTOR_WARNING, "x", "Do.", "w");
	assert_int_equal(doctor_worst(&d), 1);
	doctor_add(&d, DOCTOR_UNTESTED, "x", "Do.", "u");
	assert_int_equal(doctor_worst(&d), 3);
	doctor_add(&d, DOCTOR_ERROR, "x", "Do.", "e");
	assert_int_equal(doctor_worst(&d), 2);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_judged),
		cmocka_unit_test(the_line_to_write_is_told),
		cmocka_unit_test(without_trusted_certificates_all_mail_waits),
		cmocka_unit_test(patterns_are_compared_from_3_10_5_on),
		cmocka_unit_test(a_resolver_is_trusted_on_loopback_alone),
		cmocka_unit_test(the_exit_code_is_of_the_worst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
