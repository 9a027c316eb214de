/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/settings.h"
#include "api/settings_check.h"

#include "base/poison.h"

static char path[] = "/tmp/moat-settings-XXXXXX";

static enum status load(const char *text, struct settings **out, struct err *e)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return settings_load(path, out, e);
}

static void values_over_defaults(void **state)
{
	struct settings *s = NULL;
	struct err e = {};
	const struct str *list;
	size_t n;

	(void)state;
	assert_int_equal(load("# a comment\n"
			      "[dns]\n"
			      "zone = STS.Example.Net.\n"
			      "listen = 192.0.2.1:53, 192.0.2.2:53\n"
			      "    [2001:db8::1]:5353\n"
			      "[server]\n"
			      "stop_time = 2m\n",
				 &s, &e),
		ST_OK);
	assert_str(settings_str(s, "dns.zone"), "sts.example.net");
	list = settings_list(s, "dns.listen", &n);
	assert_int_equal(n, 3);
	assert_str(list[2], "[2001:db8::1]:5353");
	assert_int_equal(settings_int(s, "server.stop_time"), 120);
	assert_false(settings_bool(s, "probe.allow_private"));
	assert_str(settings_str(s, "server.user"), "moat");
	settings_free(&s);
	assert_null(s);
}

static void faults_name_file_and_line(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *says;
	} rows[] = {
		{ "[dns]\nzoen = x\n", 2, "[dns] has no setting zoen" },
		{ "\n[dsn]\nzone = x\n", 3, "there is no section [dsn]" },
		{ "zone = x\n", 1, "zone stands before any [section]" },
		{ "[dns]\nzone = a..b\n", 2, "dns.zone: \"a..b\" is wrong" },
		{ "[dns]\nworkers = 65\n", 2, "dns.workers: \"65\"" },
		{ "[dns]\nworkers = 0x1\n", 2, "dns.workers: \"0x1\"" },
		{ "[dns]\nworkers =\n", 2, "dns.workers: \"\"" },
		{ "[dns]\nlisten = ::\n", 2, "dns.listen" },
		{ "[dns]\nzone = a\nzone = b\n", 3, "already set in line 2" },
		{ "[policy]\nallow_networks = 10.0.0.1/8\n", 2,
			"\"10.0.0.1/8\" is wrong, it takes a network" },
		{ "[policy]\nstubs = a=127.0.0.1:53 a..b=127.0.0.1:53\n", 2,
			"is wrong, it takes ZONE=ADDRESS:PORT" },
		{ "[probe]\nstubs = 127.0.0.1:53\n", 2, "ZONE=ADDRESS:PORT" },
		{ "[probe]\nstubs = =127.0.0.1:53\n", 2, "ZONE=ADDRESS:PORT" },
		{ "[probe]\nstubs = a=127.0.0.1\n", 2, "ZONE=ADDRESS:PORT" },
		{ "[probe]\nstubs = a=b:53\n", 2, "ZONE=ADDRESS:PORT" },
		{ "[probe]\nallow_private = maybe\n", 2, "yes or no" },
		{ "[server]\nrun_dir = run\n", 2, "an absolute path" },
		{ "[server]\nlog_level = loud\n", 2,
			"one of debug|info|warn|error" },
		{ "[server]\nstop_time = 301s\n", 2, "one of 1..300" },
		{ "[dns]\nnonsense\n", 2, "neither a [section] nor" },
		{ "[profile]\nkind = sts\n", 2, "no section [profile]" },
		{ "[profile ]\nkind = sts\n", 2, "there is no section" },
		{ "[profile a b]\nkind = sts\n", 2, "there is no section" },
		{ "[profile a.b]\nkind = sts\n", 2, "there is no section" },
		{ "[profile 123456789012345678901234567890123]\n"
		  "kind = sts\n",
			2, "there is no section" },
		{ "[profile a]\nmode = x\n", 2,
			"[profile a] has no setting mode" },
		{ "[profile a]\nkind = x\n", 2,
			"profile a.kind: \"x\" is wrong, it takes one of "
			"sts|" },
		{ "[profile a]\nkind = sts\nkind = sts\n", 3,
			"profile a.kind was already set in line 2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct settings *s = NULL;
		struct err e = {};
		char where[64];

		assert_int_equal(load(rows[i].text, &s, &e), ST_INVALID);
		assert_null(s);
		(void)snprintf(
			where, sizeof(where), "%s:%u: ", path, rows[i].line);
		if (strncmp(e.text, where, strlen(where)) != 0 ||
			strstr(e.text, rows[i].says) == NULL)
			fail_msg("\"%s\" has neither \"%s\" nor \"%s\"", e.text,
				where, rows[i].says);
	}
}

static void sections_with_names(void **state)
{
	static const char text[] = "[profile strict]\n"
				   "enforce_testing = yes\n"
				   "[policy]\n"
				   "grace = 5m\n"
				   "[profile partners]\n"
				   "kind = dane-sts\n"
				   "[profile strict]\n"
				   "visibility = yes\n";
	struct settings *s = NULL;
	struct err e = {};

	(void)state;
	if (load(text, &s, &e) != ST_OK)
		fail_msg("%s", e.text);
	assert_str(settings_name(s, "profile", 0), "strict");
	assert_str(settings_name(s, "profile", 1), "partners");
	assert_null(settings_name(s, "profile", 2).p);
	assert_null(settings_name(s, "prof", 0).p);
	assert_true(settings_bool(s, "profile strict.enforce_testing"));
	assert_true(settings_bool(s, "profile strict.visibility"));
	assert_str(settings_str(s, "profile strict.kind"), "sts");
	assert_false(settings_bool(s, "profile partners.enforce_testing"));
	assert_str(settings_str(s, "profile partners.kind"), "dane-sts");
	assert_int_equal(settings_int(s, "policy.grace"), 300);
	settings_free(&s);
}

static void long_lines_are_refused_not_cut(void **state)
{
	struct settings *s = NULL;
	struct err e = {};
	char text[400];

	(void)state;
	(void)snprintf(text, sizeof(text), "[server]\nuser = %0300d\n", 1);
	assert_int_equal(load(text, &s, &e), ST_LIMIT);
	assert_non_null(strstr(e.text, ":2: the line is too long"));
}

static void a_missing_file_is_its_own_status(void **state)
{
	struct settings *s = NULL;
	struct err e = {};

	(void)state;
	assert_int_equal(
		settings_load("/nonexistent/moat.conf", &s, &e), ST_NOTFOUND);
	assert_non_null(strstr(e.text, "/nonexistent/moat.conf"));
}

static void what_is_written_can_be_read(void **state)
{
	struct settings *s = settings_new(), *again = NULL;
	char one[32768], two[32768];
	struct sbuf b1 = sbuf_fixed(one, sizeof(one));
	struct sbuf b2 = sbuf_fixed(two, sizeof(two) - 1);
	struct err e = {};

	(void)state;
	assert_int_equal(
		settings_set(s, "dns.zone", STR("sts.example"), &e), ST_OK);
	assert_int_equal(
		settings_set(s, "edge.addresses", STR("::1 127.0.0.1"), &e),
		ST_OK);
	assert_int_equal(
		settings_set(s, "profile strict.kind", STR("sts-tlsrpt"), &e),
		ST_OK);
	settings_write(s, &b1);
	assert_true(sbuf_ok(&b1));
	one[b1.n] = '\0';
	assert_int_equal(load(one, &again, &e), ST_OK);
	settings_write(again, &b2);
	two[b2.n] = '\0';
	assert_string_equal(one, two);
	assert_non_null(strstr(one, "\n[profile strict]\nkind = sts-tlsrpt\n"));
	settings_free(&s);
	settings_free(&again);
}

static void every_row_is_documented(void **state)
{
	(void)state;
	for (const struct setting_row *r = setting_rows; r->section != NULL;
		r++) {
		size_t n = strlen(r->doc);

		assert_true(n > 10);
		if (r->doc[n - 1] != '.')
			fail_msg("%s.%s: no full stop", r->section, r->key);
	}
}

static int make_file(void **state)
{
	int fd = mkostemp(path, 0);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int drop_file(void **state)
{
	(void)state;
	return unlink(path);
}

static const char *const some_roles[] = { "acme", "digest", "dns", "edge",
	"imap", "lmtp", "notify", "policy", NULL };

struct found {
	char text[4000];
};

static void keep(void *ctx, enum settings_level level, const char *text)
{
	struct found *f = ctx;
	size_t n = strlen(f->text);

	(void)snprintf(f->text + n, sizeof(f->text) - n, "%s: %s\n",
		settings_level_name(level), text);
}

#define GOOD                                                                   \
	"[server]\nroles = acme dns edge\n"                                    \
	"[dns]\nzone = z.example\nname_servers = ns.z.example\n"               \
	"[edge]\naddresses = 192.0.2.1\n"                                      \
	"[acme]\nagree_terms = yes\ncontact = a@z.example\n"                   \
	"[report]\nhost = rua.z.example\n"

#define MAILBOX "\nuser = a\npassword_file = /p\nurl = imaps://z.example:1993\n"

/* The good settings with one line replaced (NULL: taken away). */
static void what_makes_no_sense_together(void **state)
{
	static const struct {
		const char *line, *instead;
		size_t errors;
		const char *says; /* NULL: nothing at all */
	} rows[] = {
		{ "", "", 0, NULL },
		{ "roles = acme dns edge\n", "roles = dsn\n", 1,
			"error: server.roles: there is no role \"dsn\"" },
		{ "roles = acme dns edge\n", "roles =\n", 1,
			"error: server.roles is empty" },
		{ "zone = z.example\n", "", 1, "error: dns.zone is empty" },
		{ "name_servers = ns.z.example\n", "", 0,
			"warning: dns.name_servers is empty" },
		{ "addresses = 192.0.2.1\n", "", 1,
			"error: edge.addresses is empty" },
		{ "agree_terms = yes\n", "", 0,
			"warning: acme.agree_terms is no" },
		{ "contact = a@z.example\n", "", 0,
			"warning: acme.contact is empty" },
		{ "[report]\n", "[cert]\nsource = files\n[report]\n", 1,
			"error: cert.files is empty" },
		{ "[report]\n", "[cert]\nsource = exec\n[report]\n", 1,
			"error: cert.exec is empty" },
		{ "host = rua.z.example\n", "", 0,
			"warning: report.host is empty" },
		{ "host = rua.z.example\n", "host = Z.example.\n", 1,
			"error: report.host is the zone" },
		{ "host = rua.z.example\n", "host = ns.z.example\n", 1,
			"error: report.host is one of dns.name_servers" },
		{ "host = rua.z.example\n", "host = rua.example\n", 0,
			"note: report.host lies outside" },
		{ "roles = acme dns edge\n",
			"roles = acme digest dns edge lmtp\n[lmtp]\n"
			"listen = 192.0.2.1:24\n",
			0, "warning: lmtp.listen has an address" },
		{ "[report]\n", "[console]\nhost = z.example\n[report]\n", 1,
			"error: console.host is the zone" },
		{ "roles = acme dns edge\n",
			"roles = policy\n[policy]\nlisten =\n[server]\n", 1,
			"error: policy.listen and policy.socket are both" },
		{ "roles = acme dns edge\n",
			"roles = policy\n[policy]\nsocket = /x/y\n", 0,
			"warning: policy.socket has no owner" },
		{ "roles = acme dns edge\n",
			"roles = policy\n[policy]\nsocket = /x/y\n"
			"socket_group = postfix\n",
			0, NULL },
		{ "roles = acme dns edge\n",
			"roles = policy\n[policy]\nlisten = [::1]:1 "
			"[::ffff:127.0.0.1]:1 127.1.2.3:1\n"
			"metrics_listen = 127.0.0.1:2\n",
			0, NULL },
		{ "roles = acme dns edge\n",
			"roles = policy\n[policy]\nlisten = 0.0.0.0:1\n", 0,
			"warning: policy.listen has an address" },
		{ "roles = acme dns edge\n",
			"roles = policy\n[policy]\nmetrics_listen = [::]:1\n",
			0, "warning: policy.metrics_listen has an address" },
		{ "[report]\n",
			"[policy]\ncontact = https://z.example/\n[report]\n", 0,
			NULL },
		{ "[report]\n", "[policy]\ncontact = a) b\n[report]\n", 1,
			"error: policy.contact is no mail address" },
		{ "roles = acme dns edge\n",
			"roles = notify\n[alert]\nmail_to = a@z.example\n"
			"smtp = smtp://z.example:587\n",
			1, "error: alert.smtp and alert.mail_from are both" },
		{ "roles = acme dns edge\n",
			"roles = notify\n[alert]\nmail_to = a@z.example b\n"
			"mail_from = a@z.example\nsmtp = smtp://z.example\n",
			1, "error: alert.mail_from and alert.mail_to have" },
		{ "roles = acme dns edge\n",
			"roles = notify\n[alert]\nmail_to = a@z.example\n"
			"mail_from = a@z.example\nsmtp = z.example:25\n",
			1, "error: alert.smtp is neither smtp://" },
		{ "roles = acme dns edge\n",
			"roles = notify\n[alert]\nwebhook_key_file = /k\n"
			"webhook = http://z.example/\n",
			1, "error: alert.webhook is no https URL" },
		{ "roles = acme dns edge\n",
			"roles = notify\n[alert]\nquiet = 22-6\n", 1,
			"error: alert.quiet is no stretch of a day" },
		{ "roles = acme dns edge\n",
			"roles = notify\n[alert]\nquiet = 22:00-06:00\n", 0,
			NULL },
		{ "roles = acme dns edge\n",
			"roles = notify\n[alert]\nsmtp_user = a\n", 1,
			"error: alert.smtp_user is set, but" },
		{ "roles = acme dns edge\n",
			"roles = notify\n[alert]\nwebhook = "
			"https://z.example/\n",
			1, "error: alert.webhook is set, but" },
		{ "roles = acme dns edge\n", "roles = imap digest\n", 0,
			"warning: the role imap runs, but" },
		{ "roles = acme dns edge\n",
			"roles = imap\n[mailbox m]" MAILBOX, 0,
			"warning: the roles imap and lmtp take report mail" },
		{ "[report]\n", "[mailbox m]" MAILBOX "[report]\n", 0,
			"warning: there is a section [mailbox NAME], but" },
		{ "roles = acme dns edge\n",
			"roles = imap digest\n[mailbox m]" MAILBOX, 0, NULL },
		{ "roles = acme dns edge\n",
			"roles = imap digest\n[mailbox m]" MAILBOX "folder =\n",
			1, "error: [mailbox m]: folder is empty" },
		{ "roles = acme dns edge\n",
			"roles = imap digest\n[mailbox m]" MAILBOX
			"processed = inbox\n",
			1, "error: [mailbox m]: processed is empty or" },
		{ "roles = acme dns edge\n",
			"roles = imap digest\n[mailbox m]\nuser = a\n"
			"password_file = /p\nurl = imaps://a@z.example\n",
			1, "error: [mailbox m]: url is neither" },
		{ "roles = acme dns edge\n",
			"roles = imap digest\n[mailbox m]\nuser = a\n"
			"password_file = /p\nurl = imap://z.example/INBOX\n",
			1, "error: [mailbox m]: url is neither" },
		{ "[report]\n", "[profile sts]\nkind = sts\n[report]\n", 1,
			"error: [profile sts] has the name" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *at = strstr(GOOD, rows[i].line);
		struct found f = {};
		struct settings *s;
		struct err e = {};
		char text[1000];
		size_t errors;

		assert_non_null(at);
		(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - GOOD),
			GOOD, rows[i].instead, at + strlen(rows[i].line));
		if (load(text, &s, &e) != ST_OK)
			fail_msg("%s", e.text);
		errors = settings_check(s, some_roles, keep, &f);
		settings_free(&s);
		if (errors != rows[i].errors ||
			(rows[i].says == NULL) != (f.text[0] == '\0') ||
			strncmp(f.text, rows[i].says ? rows[i].says : "",
				strlen(rows[i].says ? rows[i].says : "")) != 0)
			fail_msg("row %zu: %zu: %s", i, errors, f.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_over_defaults),
		cmocka_unit_test(faults_name_file_and_line),
		cmocka_unit_test(sections_with_names),
		cmocka_unit_test(long_lines_are_refused_not_cut),
		cmocka_unit_test(a_missing_file_is_its_own_status),
		cmocka_unit_test(what_is_written_can_be_read),
		cmocka_unit_test(every_row_is_documented),
		cmocka_unit_test(what_makes_no_sense_together),
	};

	return cmocka_run_group_tests(tests, make_file, drop_file);
}
