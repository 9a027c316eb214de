/* SPDX-License-Identifier: Apache-2.0 */
/* role_dns: the authoritative name server; the substance is io/dns_udp,
 * io/dns_tcp and io/dns_notifier over proto/dns_handler. */
#include <string.h>
#include <sys/socket.h>

#include "api/settings.h"
#include "base/base64.h"
#include "base/bug.h"
#include "base/mem.h"
#include "base/vec.h"
#include "daemon/role.h"
#include "daemon/roles.h"
#include "hosting/dns_view.h"
#include "io/crypto.h"
#include "io/dns_notifier.h"
#include "io/dns_tcp.h"
#include "io/dns_udp.h"

#include "base/poison.h"

#define SOCKETS_MAX 64
#define KEYS_MAX 8
#define KEY_BYTES_MAX 128
#define KEY_BYTES_MIN 16 /* RFC 8945 section 8: at least half the hash */
#define RRL_NETWORKS 65536
#define RRL_SLIP 2

struct nets {
	struct ip_net *items;
	size_t n, cap;
};

struct state {
	struct arena *arena; /* of lists from the settings */
	struct view *view;
	struct dns_source source;
	struct dns_tsig_key keys[KEYS_MAX];
	unsigned char secrets[KEYS_MAX][KEY_BYTES_MAX];
	size_t n_keys;
	struct nets transfer_allow, rrl_exempt;
	struct dns_rrl *rrl;
	struct gate *gate;
	struct dns_handler handler;
	struct dns_notifier *notifier; /* NULL: not this worker's job */
	struct dns_udp *udp[SOCKETS_MAX];
	struct dns_tcp *tcp;
};

static void dns_role_close(void **statep)
{
	struct state *s = *statep;

	if (s == NULL)
		return;
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		dns_udp_free(&s->udp[i]);
	dns_tcp_free(&s->tcp);
	dns_notifier_close(&s->notifier);
	gate_free(&s->gate);
	dns_rrl_free(&s->rrl);
	view_close(&s->view);
	arena_free(&s->arena);
	mem_wipe(s->secrets, sizeof(s->secrets));
	mem_free(s);
	*statep = NULL;
}

/* "NAME:BASE64", as tsig-keygen's and keymgr's secrets are written. */
static enum status read_key(struct state *s, struct str text, struct err *e)
{
	struct dns_tsig_key *key = &s->keys[s->n_keys];
	struct str rest = text, name = str_cut(&rest, ':');
	struct arena *a = NULL;
	struct str secret;
	enum status st = ST_INVALID;

	if (s->n_keys == KEYS_MAX)
		return err_set(e, ST_LIMIT,
			"dns.transfer_keys has more than %d keys", KEYS_MAX);
	a = arena_must(0);
	if (rest.p == NULL || dns_name_parse(name, &key->name) != ST_OK ||
		base64_parse(a, rest, &secret) != ST_OK) {
		/* The text may be a secret: it is not repeated. */
		(void)err_set(e, st,
			"dns.transfer_keys: key %zu is not NAME:BASE64",
			s->n_keys + 1);
		goto out;
	}
	if (secret.n < KEY_BYTES_MIN || secret.n > KEY_BYTES_MAX) {
		(void)err_set(e, st,
			"dns.transfer_keys: key %zu has %zu bytes, not %d to "
			"%d",
			s->n_keys + 1, secret.n, KEY_BYTES_MIN, KEY_BYTES_MAX);
		goto out;
	}
	dns_name_lower(&key->name);
	memcpy(s->secrets[s->n_keys], secret.p, secret.n);
	key->secret = (struct str){ (char *)s->secrets[s->n_keys], secret.n };
	s->n_keys++;
	st = ST_OK;
out:
	arena_free(&a);
	return st;
}

static enum status read_keys(
	struct state *s, const struct settings *set, struct err *e)
{
	enum status st = ST_OK;
	size_t n;
	const struct str *list = settings_list(set, "dns.transfer_keys", &n);

	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = read_key(s, list[i], e);
	return st;
}

static void read_nets(struct state *s, const struct settings *set,
	const char *key, struct nets *out)
{
	size_t n;
	const struct str *list = settings_list(set, key, &n);

	for (size_t i = 0; i < n; i++) {
		struct ip_net net;

		/* The settings have checked it. */
		BUG(ip_net_parse(list[i], &net) != ST_OK);
		BUG(!VEC_PUSH(s->arena, out, net));
	}
}

static struct addr address_of(struct str text)
{
	struct addr a;

	/* The settings have checked it. */
	BUG(addr_parse(text, 53, &a) != ST_OK);
	return a;
}

/* The first listening address of a family: secondaries know us by it. */
static const struct addr *listens_at(
	struct state *s, const struct settings *set, int family)
{
	size_t n;
	const struct str *list = settings_list(set, "dns.listen", &n);

	for (size_t i = 0; i < n; i++) {
		struct addr *a = arena_alloc(s->arena, sizeof(*a));

		BUG(a == NULL);
		*a = address_of(list[i]);
		if (a->ss.ss_family == family)
			return a;
	}
	return NULL;
}

static enum status open_notifier(
	struct state *s, const struct role_env *env, struct err *e)
{
	size_t n;
	const struct str *list = settings_list(env->settings, "dns.notify", &n);
	struct addr *targets = arena_array(s->arena, n, sizeof(*targets));
	struct dns_notifier_options opt = {
		.source = &s->source,
		.clock = clock_system(),
		.key = s->n_keys > 0 ? &s->keys[0] : NULL,
		.hmac = crypto_hmac_sha256_parts,
		.targets = targets,
		.n_targets = n,
		.from_v4 = listens_at(s, env->settings, AF_INET),
		.from_v6 = listens_at(s, env->settings, AF_INET6),
	};

	if (n == 0 || env->worker != 0)
		return ST_OK;
	BUG(targets == NULL);
	for (size_t i = 0; i < n; i++)
		targets[i] = address_of(list[i]);
	return dns_notifier_open(&opt, &s->notifier, e);
}

static void open_limits(struct state *s, const struct settings *set)
{
	uint32_t rate = (uint32_t)settings_int(set, "dns.rate_limit");
	uint64_t seed[2];

	s->gate = gate_new((unsigned)settings_int(set, "dns.connections"),
		(unsigned)settings_int(set, "dns.connections_per_address"));
	if (rate == 0)
		return;
	crypto_random(seed, sizeof(seed));
	s->rrl = dns_rrl_new(RRL_NETWORKS, rate, RRL_SLIP, seed);
	BUG(s->rrl == NULL);
}

static enum status dns_role_open(
	struct role_env *env, void **statep, struct err *e)
{
	const struct settings *set = env->settings;
	struct state *s = mem_must(sizeof(*s));
	struct dns_name apex;
	enum status st;

	*statep = s;
	s->arena = arena_must(0);
	if (dns_name_parse(settings_str(set, "dns.zone"), &apex) != ST_OK)
		return err_set(e, ST_INVALID, "dns.zone is not set");
	role_read_below(env,
		settings_state_path(set, s->arena, SETTINGS_VIEW_FOLDER).p);
	st = view_open(settings_state_path(set, s->arena, SETTINGS_VIEW).p,
		NULL, &s->view, e);
	if (st == ST_OK)
		st = read_keys(s, set, e);
	if (st != ST_OK)
		return st;
	read_nets(s, set, "dns.transfer_allow", &s->transfer_allow);
	read_nets(s, set, "dns.rate_limit_exempt", &s->rrl_exempt);
	s->source = dns_view_source(s->view, &apex);
	s->handler = (struct dns_handler){ .source = &s->source,
		.hmac = crypto_hmac_sha256_parts,
		.keys = s->keys,
		.n_keys = s->n_keys,
		.transfer_allow = s->transfer_allow.items,
		.n_transfer_allow = s->transfer_allow.n };
	open_limits(s, set);
	return open_notifier(s, env, e);
}

static enum status start_udp(
	struct role_env *env, struct state *s, struct err *e)
{
	struct dns_udp_options opt = { .handler = &s->handler,
		.clock = clock_system(),
		.rrl = s->rrl,
		.rrl_exempt = s->rrl_exempt.items,
		.n_rrl_exempt = s->rrl_exempt.n };
	int fd;

	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		enum status st;

		fd = role_fd_at(env, "dns-udp", i);
		if (fd < 0)
			break;
		st = dns_udp_new(env->loop, fd, &opt, &s->udp[i], e);
		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

static void start_tcp(struct role_env *env, struct state *s)
{
	struct dns_tcp_options opt = { .handler = &s->handler,
		.clock = clock_system(),
		.gate = s->gate,
		.idle_ms = settings_int(env->settings, "dns.idle_time") *
			   1000 };
	int fd;

	s->tcp = dns_tcp_new(env->loop, &opt);
	for (size_t i = 0; i < DNS_TCP_LISTENERS_MAX; i++) {
		fd = role_fd_at(env, "dns-tcp", i);
		if (fd < 0)
			break;
		dns_tcp_listen(s->tcp, fd);
	}
}

static enum status dns_role_start(
	struct role_env *env, void *state, struct err *e)
{
	struct state *s = state;
	enum status st = start_udp(env, s, e);

	if (st != ST_OK)
		return st;
	start_tcp(env, s);
	if (s->notifier != NULL)
		dns_notifier_start(s->notifier, env->loop);
	return ST_OK;
}

static const struct role_socket sockets[] = {
	{ "dns-udp", "dns.listen", ROLE_UDP },
	{ "dns-tcp", "dns.listen", ROLE_TCP },
	{},
};

const struct role role_dns = {
	.name = "dns",
	.front = true,
	.sandbox = SANDBOX_NET_IN | SANDBOX_READ,
	.sockets = sockets,
	.workers = "dns.workers",
	.open = dns_role_open,
	.start = dns_role_start,
	.close = dns_role_close,
};
