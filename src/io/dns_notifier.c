/* SPDX-License-Identifier: Apache-2.0 */
/* dns_notifier: sockets and timers for proto/dns_notify. */
#include <errno.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/crypto.h"
#include "io/dns_notifier.h"
#include "io/fd.h"
#include "proto/dns_notify.h"

#include "base/poison.h"

#define READS_PER_TURN 16

enum { V4, V6, FAMILIES };

struct dns_notifier {
	struct loop *loop;
	const struct dns_source *source;
	const struct clock *clock;
	struct dns_notify notify;
	struct addr targets[DNS_NOTIFY_TARGETS_MAX];
	int fd[FAMILIES];
	struct loop_io io[FAMILIES];
	struct loop_timer timer;
	struct arena *arena;
	bool seen; /* serial is known */
	uint32_t serial;
};

static const int families[FAMILIES] = { AF_INET, AF_INET6 };

static enum status open_socket(
	int family, const struct addr *from, int *fd, struct err *e)
{
	struct addr a;

	*fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return err_sys(e, ST_PERM, errno, "dns: socket for NOTIFY");
	if (from == NULL)
		return ST_OK;
	a = *from;
	addr_set_port(&a, 0);
	if (bind(*fd, (const struct sockaddr *)&a.ss, a.len) < 0)
		return err_sys(e, ST_PERM, errno, "dns: bind for NOTIFY");
	return ST_OK;
}

static bool has_family(const struct dns_notifier_options *o, int family)
{
	for (size_t i = 0; i < o->n_targets; i++)
		if (o->targets[i].ss.ss_family == family)
			return true;
	return false;
}

enum status dns_notifier_open(const struct dns_notifier_options *options,
	struct dns_notifier **out, struct err *e)
{
	const struct addr *from[FAMILIES] = { options->from_v4,
		options->from_v6 };
	struct dns_notifier *d = NULL;
	enum status st = ST_OK;

	if (options->n_targets > DNS_NOTIFY_TARGETS_MAX)
		return err_set(e, ST_LIMIT,
			"dns.notify has more than %d addresses",
			DNS_NOTIFY_TARGETS_MAX);
	d = mem_must(sizeof(*d));
	d->fd[V4] = d->fd[V6] = -1;
	d->source = options->source;
	d->clock = options->clock;
	d->arena = arena_must(0);
	for (size_t i = 0; i < options->n_targets; i++)
		d->targets[i] = options->targets[i];
	dns_notify_init(&d->notify, &options->source->apex, options->key,
		options->hmac, options->n_targets);
	for (size_t i = 0; st == ST_OK && i < FAMILIES; i++)
		if (has_family(options, families[i]))
			st = open_socket(families[i], from[i], &d->fd[i], e);
	if (st == ST_OK) {
		*out = d;
		d = NULL;
	}
	dns_notifier_close(&d);
	return st;
}

static void log_target(const struct dns_notifier *d, const char *event,
	size_t target, int64_t number, const char *what)
{
	char p[80];
	struct sbuf b = sbuf_fixed(p, sizeof(p));

	addr_write(&b, &d->targets[target]);
	LOG(LOG_INFO, event, KV_STR("secondary", sbuf_str(&b)),
		KV_INT(what, number), KV_INT("serial", d->serial));
}

/* Has the serial moved since the last look? */
static void watch(struct dns_notifier *d)
{
	struct dns_zone zone;

	arena_reset(d->arena);
	if (d->source->zone(d->source->ctx, d->arena, &zone) != ST_OK)
		return;
	if (d->seen && zone.serial == d->serial)
		return;
	d->seen = true;
	d->serial = zone.serial;
	dns_notify_begin(&d->notify, clock_mono(d->clock));
}

static void send_due(struct dns_notifier *d)
{
	unsigned char buf[DNS_UDP_MAX];
	size_t n, target;
	uint16_t id;

	for (;;) {
		const struct addr *to;
		int fd;

		crypto_random(&id, sizeof(id));
		if (!dns_notify_next(&d->notify, clock_mono(d->clock),
			    clock_now(d->clock), id, buf, &n, &target))
			return;
		to = &d->targets[target];
		fd = d->fd[to->ss.ss_family == AF_INET ? V4 : V6];
		/* A send that fails is a try like any other. */
		(void)sendto(fd, buf, n, 0, (const struct sockaddr *)&to->ss,
			to->len);
		log_target(d, "dns.notify_sent", target,
			d->notify.target[target].tries, "try");
	}
}

static void on_timer(void *ctx)
{
	struct dns_notifier *d = ctx;

	watch(d);
	send_due(d);
	loop_timer_start(
		&d->timer, d->loop, DNS_NOTIFIER_WATCH_MS, on_timer, d);
}

static bool is_from(const struct addr *a, const struct addr *b)
{
	return str_eq(addr_bytes(a), addr_bytes(b)) &&
	       addr_port(a) == addr_port(b);
}

static void take(
	struct dns_notifier *d, const struct addr *from, struct str msg)
{
	unsigned rcode;

	for (size_t i = 0; i < d->notify.n; i++)
		if (is_from(&d->targets[i], from) &&
			dns_notify_take(&d->notify, i, clock_now(d->clock), msg,
				&rcode))
			log_target(d, "dns.notify_answered", i, rcode, "rcode");
}

static void on_readable(struct dns_notifier *d, int fd)
{
	char buf[DNS_UDP_MAX];

	for (int i = 0; i < READS_PER_TURN; i++) {
		struct addr from = { .len = sizeof(from.ss) };
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0,
			(struct sockaddr *)&from.ss, &from.len);

		/* Errors are ICMP's: the next try will tell. */
		if (n < 0)
			return;
		take(d, &from, (struct str){ buf, (size_t)n });
	}
}

static void on_readable_v4(void *ctx, unsigned ready)
{
	struct dns_notifier *d = ctx;

	(void)ready;
	on_readable(d, d->fd[V4]);
}

static void on_readable_v6(void *ctx, unsigned ready)
{
	struct dns_notifier *d = ctx;

	(void)ready;
	on_readable(d, d->fd[V6]);
}

void dns_notifier_start(struct dns_notifier *d, struct loop *l)
{
	d->loop = l;
	if (d->fd[V4] >= 0)
		loop_io_start(
			&d->io[V4], l, d->fd[V4], LOOP_READ, on_readable_v4, d);
	if (d->fd[V6] >= 0)
		loop_io_start(
			&d->io[V6], l, d->fd[V6], LOOP_READ, on_readable_v6, d);
	if (d->notify.n > 0)
		loop_timer_start(&d->timer, l, 0, on_timer, d);
}

void dns_notifier_close(struct dns_notifier **d)
{
	if (*d == NULL)
		return;
	loop_timer_stop(&(*d)->timer);
	for (size_t i = 0; i < FAMILIES; i++) {
		loop_io_stop(&(*d)->io[i]);
		fd_close(&(*d)->fd[i]);
	}
	arena_free(&(*d)->arena);
	mem_free(*d);
	*d = NULL;
}
