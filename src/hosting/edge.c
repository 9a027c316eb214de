/* SPDX-License-Identifier: Apache-2.0 */
/* edge: the parts of the server put together, and the choice of a certificate.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "hosting/edge_own.h"

#include "base/bug.h"
#include "base/mem.h"

#include "base/poison.h"

/* Called for each ClientHello, before any costly step of the handshake. */
static enum status choose(void *ctx, void *conn, struct str name, bool acme,
	struct tls_identity **out)
{
	struct edge *e = ctx;
	struct edge_conn *c = conn;
	enum status st;

	st = edge_conn_host(c, name);
	if (st != ST_OK)
		return st;
	return acme ? edge_certs_alpn(e->certs, &c->host, out)
		    : edge_certs_get(e->certs, &c->host, out);
}

struct edge *edge_new(
	const struct edge_parts *parts, const struct edge_options *options)
{
	struct edge *e = mem_must(sizeof(*e));

	e->parts = *parts;
	e->options = *options;
	e->tls = tls_server_new(choose, e);
	e->certs = edge_certs_new(parts->seal, options->cert_cache);
	e->gate = gate_new(options->max_connections, options->max_per_address);
	e->quota = spool_quota_new(&options->per_id, &options->per_source);
	e->writer = spool_writer_new(
		parts->loop, parts->spool, options->report_memory_bytes);
	return e;
}

/* When nearly all places are taken, the longest idle one is given up. */
static void make_room(struct edge *e)
{
	if (e->idle_first != NULL && gate_is_near(e->gate))
		edge_conn_free(e->idle_first);
}

static void on_secure(void *ctx, int fd, const struct addr *peer)
{
	make_room(ctx);
	edge_conn_start(ctx, fd, peer, true);
}

static void on_plain(void *ctx, int fd, const struct addr *peer)
{
	make_room(ctx);
	edge_conn_start(ctx, fd, peer, false);
}

void edge_listen(struct edge *e, int fd, bool secure)
{
	int one = 1;

	/* what is accepted inherits it */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	BUG(e->n_listeners == EDGE_LISTENERS_MAX);
	e->listeners[e->n_listeners++] = listener_new(
		e->parts.loop, fd, e->gate, secure ? on_secure : on_plain, e);
}

void edge_free(struct edge **ep)
{
	struct edge *e = *ep;

	if (e == NULL)
		return;
	for (size_t i = 0; i < e->n_listeners; i++)
		listener_free(&e->listeners[i]);
	while (e->conns != NULL)
		edge_conn_free(e->conns);
	spool_writer_free(&e->writer);
	spool_quota_free(&e->quota);
	gate_free(&e->gate);
	edge_certs_free(&e->certs);
	tls_server_free(&e->tls);
	mem_free(e);
	*ep = NULL;
}
