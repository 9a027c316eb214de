/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_machine: what moat needs of the machine, and moat itself. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <unistd.h>

#include "api/policy_settings.h"
#include "api/settings.h"
#include "base/clock.h"
#include "cli/client.h"
#include "cli/doctor_tests.h"
#include "io/addr.h"
#include "io/channel.h"
#include "io/fd.h"
#include "io/resolver.h"
#include "io/tls_client.h"
#include "proto/socketmap.h"

#include "base/poison.h"

#define DNS_TYPE_NS 2
#define DNS_LIMIT_MS 15000
#define SOCKET_LIMIT_MS 10000
#define CA_BYTES_MAX (16u << 20)
#define CA_FEW 20	 /* a real bundle has a hundred and more */
#define CLOCK_APART_S 60 /* the role's clock from ours */

/* ---- the clock */

static void test_clock(struct examination *x)
{
	struct timex t = {};
	int state = adjtimex(&t);

	if (state < 0)
		doctor_add(&x->doctor, DOCTOR_UNTESTED, "machine.clock",
			"Look with timedatectl whether the clock is "
			"synchronised.",
			"the kernel does not tell the state of the clock");
	else if (state == TIME_ERROR || (t.status & STA_UNSYNC) != 0)
		doctor_add(&x->doctor, DOCTOR_WARNING, "machine.clock",
			"Run an NTP client, as chrony or systemd-timesyncd.",
			"nothing synchronises the clock; certificates, max_age "
			"and DNSSEC go by it");
	else
		doctor_add(&x->doctor, DOCTOR_GOOD, "machine.clock", "",
			"the clock is synchronised, to %ld ms",
			t.maxerror / 1000);
}

/* ---- certificates to trust */

static size_t count_certificates(struct str text)
{
	static const struct str head = { "-----BEGIN CERTIFICATE-----", 27 };
	size_t n = 0;

	while (text.p != NULL)
		n += str_starts(str_cut(&text, '\n'), head);
	return n;
}

static void test_trust(struct examination *x)
{
	struct str own = settings_str(x->set, "policy.ca_file"), text = {};
	const char *file = own.n > 0 ? own.p : TLS_CLIENT_CA_FILE;
	struct err e = {};
	size_t n;

	if (cli_read(x->cli, file, CA_BYTES_MAX, &text, &e) != ST_OK) {
		doctor_add(&x->doctor, DOCTOR_ERROR, "machine.trust",
			"Install the package ca-certificates, or correct "
			"policy.ca_file.",
			"%s", e.text);
		return;
	}
	n = count_certificates(text);
	if (n == 0)
		doctor_add(&x->doctor, DOCTOR_ERROR, "machine.trust",
			"Install the package ca-certificates, or correct "
			"policy.ca_file.",
			"%s has no certificates: no policy can be fetched",
			file);
	else if (n < CA_FEW)
		doctor_add(&x->doctor, DOCTOR_WARNING, "machine.trust",
			"Run update-ca-certificates, unless it is meant so.",
			"certificates in %s: only %zu", file, n);
	else
		doctor_add(&x->doctor, DOCTOR_GOOD, "machine.trust", "",
			"%s has %zu certificates", file, n);
}

/* ---- the resolver */

static enum status look_up(struct examination *x,
	const struct dns_lookups_options *dns, struct resolver_answer *out,
	struct err *e)
{
	struct resolver_options o = { .servers = dns->servers,
		.n_servers = dns->n_servers,
		.stubs = dns->stubs,
		.n_stubs = dns->n_stubs,
		.dnssec = dns->mode == DNS_LOOKUP_VALIDATE ? RESOLVER_VALIDATE
							   : RESOLVER_OFF,
		.root_anchor = dns->root_anchor };
	struct mono deadline = clock_mono(clock_system());
	struct resolver *r = NULL;
	enum status st = resolver_open(&o, &r, e);

	deadline.ms += DNS_LIMIT_MS;
	if (st == ST_OK)
		st = resolver_lookup(r,
			dns->check_name.n > 0 ? dns->check_name : STR("."),
			DNS_TYPE_NS, deadline, x->cli->arena, out, e);
	resolver_close(&r);
	return st;
}

static void test_resolver(struct examination *x)
{
	struct policy_service_options o = policy_settings_options(
		x->set, x->cli->arena);
	struct resolver_answer a = {};
	struct err e = {};

	if (look_up(x, &o.dns, &a, &e) != ST_OK)
		doctor_add(&x->doctor, DOCTOR_ERROR, "machine.resolver",
			"See that the resolvers of /etc/resolv.conf, or of "
			"policy.resolver, answer this machine.",
			"no answer from DNS: %s", e.text);
	else if (o.dns.mode != DNS_LOOKUP_VALIDATE)
		doctor_add(&x->doctor, DOCTOR_GOOD, "machine.resolver", "",
			"DNS answers; whether its AD bit can be trusted is "
			"told by the role policy");
	else if (a.security != RESOLVER_SECURE)
		doctor_add(&x->doctor, DOCTOR_ERROR, "machine.resolver",
			"Take a resolver that passes DNSSEC records on; until "
			"then there is no DANE.",
			"answers of the root cannot be validated%s%s",
			a.why_bogus.n > 0 ? ": " : "",
			doctor_quote(&x->doctor, a.why_bogus));
	else
		doctor_add(&x->doctor, DOCTOR_GOOD, "machine.resolver", "",
			"DNS answers, and the root's answers validate");
}

void doctor_test_machine(struct examination *x)
{
	test_clock(x);
	test_trust(x);
	test_resolver(x);
}

/* ---- the role's own word */

static void judge_dnssec(struct examination *x, const struct json *s)
{
	struct str is = json_get_str(s, "dnssec");
	const char *why = doctor_quote(
		&x->doctor, json_get_str(s, "dnssec_why"));

	if (str_eq(is, STR("good")))
		doctor_add(&x->doctor, DOCTOR_GOOD, "role.dnssec", "",
			"its self-test found DNSSEC good: DANE is on");
	else if (str_eq(is, STR("off")))
		doctor_add(&x->doctor, DOCTOR_WARNING, "role.dnssec",
			"Set policy.dnssec = validate, unless it is meant so.",
			"policy.dnssec is off: there is no DANE");
	else if (str_eq(is, STR("broken")))
		doctor_add(&x->doctor, DOCTOR_ERROR, "role.dnssec",
			"Take a resolver that does DNSSEC, or set "
			"policy.dnssec = validate.",
			"its self-test found DNSSEC broken, so DANE is off: %s",
			why);
	else
		doctor_add(&x->doctor, DOCTOR_UNTESTED, "role.dnssec",
			"Run moat doctor again in a minute.",
			"its self-test of DNSSEC has not ended");
}

static void judge_clock(struct examination *x, const struct json *s)
{
	int64_t apart = client_int(s, "now") - clock_now(clock_system()).s;

	if (apart > CLOCK_APART_S || apart < -CLOCK_APART_S)
		doctor_add(&x->doctor, DOCTOR_WARNING, "role.clock",
			"See clock.jumped in its log; it takes a new time for "
			"true when it has stayed.",
			"the role judges expiry by a time %lld s from the "
			"machine's, which has jumped",
			(long long)apart);
	else
		doctor_add(&x->doctor, DOCTOR_GOOD, "role.clock", "",
			"the role's time is the machine's");
}

static void test_control(struct examination *x)
{
	struct client_call call = { .socket = SETTINGS_POLICY_SOCKET,
		.method = "GET",
		.path = STR("/v1/status") };
	const struct json *answer = NULL;
	const char *remedy = NULL;
	struct err e = {};
	enum status st;
	int code = 0;

	st = client_ask(x->cli, &call, &code, &answer, &remedy, &e);
	if (st != ST_OK || code >= 400) {
		doctor_add(&x->doctor,
			st == ST_PERM ? DOCTOR_UNTESTED : DOCTOR_ERROR,
			"role.runs",
			st == ST_PERM ? "Run moat doctor as root."
				      : "Name policy in server.roles and start "
					"moatd.",
			"%s", st == ST_OK ? "it answers with a fault" : e.text);
		return;
	}
	doctor_add(&x->doctor, DOCTOR_GOOD, "role.runs", "",
		"the role policy runs");
	judge_dnssec(x, answer);
	judge_clock(x, answer);
}

/* ---- its sockets */

static enum status connect_tcp(struct str where, int *fd, struct err *e)
{
	const struct timeval limit = { SOCKET_LIMIT_MS / 1000, 0 };
	struct addr a;
	enum status st = ST_OK;

	if (addr_parse(where, 0, &a) != ST_OK)
		return err_set(e, ST_INVALID, "no address");
	*fd = socket(a.ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 ||
		setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
			sizeof(limit)) < 0 ||
		connect(*fd, (const struct sockaddr *)&a.ss, a.len) < 0)
		st = err_sys(e, ST_TEMP, errno, "connect");
	if (st != ST_OK)
		fd_close(fd);
	return st;
}

/* A parent domain has no policy of its own: nothing is looked up. */
static void test_socket(struct examination *x, int *fd, enum status st,
	struct str where, struct err *e)
{
	struct mono until = clock_mono(clock_system());
	struct str reply = {};

	until.ms += SOCKET_LIMIT_MS;
	if (st == ST_OK)
		st = channel_write(*fd, STR("sts .example"), until, e);
	if (st == ST_OK)
		st = channel_read(*fd, x->cli->arena, SOCKETMAP_REPLY_BYTES_MAX,
			until, &reply, e);
	fd_close(fd);
	if (st == ST_OK && str_eq(reply, STR("NOTFOUND ")))
		doctor_add(&x->doctor, DOCTOR_GOOD, "role.answers", "",
			"it answers at %s", doctor_quote(&x->doctor, where));
	else if (st == ST_OK)
		doctor_add(&x->doctor, DOCTOR_ERROR, "role.answers",
			"Is it moat that listens there?",
			"at %s somebody says \"%s\"",
			doctor_quote(&x->doctor, where),
			doctor_quote(&x->doctor, reply));
	else
		doctor_add(&x->doctor, DOCTOR_ERROR, "role.answers",
			"Start moatd, and see its log.", "no answer at %s: %s",
			doctor_quote(&x->doctor, where), e->text);
}

void doctor_test_role(struct examination *x)
{
	struct str path = settings_str(x->set, "policy.socket");
	size_t n;
	const struct str *listen = settings_list(x->set, "policy.listen", &n);

	test_control(x);
	for (size_t i = 0; i < n; i++) {
		struct err e = {};
		int fd = -1;
		enum status st = connect_tcp(listen[i], &fd, &e);

		test_socket(x, &fd, st, listen[i], &e);
	}
	if (path.n > 0) {
		struct err e = {};
		int fd = -1;
		enum status st = channel_connect(path.p, &fd, &e);

		test_socket(x, &fd, st, path, &e);
	}
}
