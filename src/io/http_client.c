/* SPDX-License-Identifier: Apache-2.0 */
/* http_client: libcurl, which follows nothing. */
#include <stdlib.h>
#include <string.h>

#include "io/http_client.h"

#include "base/bug.h"
#include "base/mem.h"
#include "base/sbuf.h"
#include "base/vec.h"
#include "io/curl_peer.h"

#include "base/poison.h"

#define HEADERS_MAX 100u
#define HEADER_BYTES_MAX (64u * 1024)
#define URL_MAX 2048u

struct http_client {
	struct curl_peer peer;
	char *ca_file, *user_agent;
	size_t max_bytes;
	bool allow_http;
};

/* What the callbacks fill while a request runs. */
struct exchange {
	struct arena *a;
	struct sbuf body;
	struct {
		struct http_header *items;
		size_t n, cap;
	} headers;
	size_t header_bytes;
	bool over; /* a cap was reached */
};

static char *copy_of(const char *s)
{
	char *copy = s == NULL ? NULL : strdup(s);

	BUG(s != NULL && copy == NULL);
	return copy;
}

struct http_client *http_client_new(const struct http_client_options *o)
{
	struct http_client *c = mem_must(sizeof(*c));

	c->ca_file = copy_of(o->ca_file);
	c->user_agent = copy_of(o->user_agent);
	c->max_bytes = o->max_bytes;
	c->allow_http = o->allow_http;
	c->peer = (struct curl_peer){ .ca_file = c->ca_file,
		.timeout_ms = o->timeout_ms,
		.allow_addr = o->allow_addr,
		.stop = o->stop,
		.stop_ctx = o->stop_ctx };
	curl_peer_init(&c->peer);
	return c;
}

void http_client_free(struct http_client **c)
{
	if (*c == NULL)
		return;
	curl_peer_fini(&(*c)->peer);
	free((*c)->ca_file);
	free((*c)->user_agent);
	mem_free(*c);
	*c = NULL;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;

	sbuf_add(&x->body, (struct str){ p, size * n });
	if (sbuf_ok(&x->body))
		return size * n;
	x->over = true;
	return 0;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;
	struct str line = { p, size * n }, name;
	struct http_header h;

	while (line.n > 0 &&
		(line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	if (str_starts(line, STR("HTTP/"))) {
		x->headers.n = 0; /* a new head, after 100-continue */
		return size * n;
	}
	name = str_cut(&line, ':');
	if (line.p == NULL)
		return size * n;
	h.name = arena_str(x->a, name);
	h.value = arena_str(x->a, str_trim(line));
	x->header_bytes += size * n;
	if (h.value.p == NULL || x->header_bytes > HEADER_BYTES_MAX ||
		x->headers.n == HEADERS_MAX ||
		!VEC_PUSH(x->a, &x->headers, h)) {
		x->over = true;
		return 0;
	}
	return size * n;
}

/* Checks the scheme and notes the host, which the TLS check will want. */
static enum status take_url(
	struct http_client *c, const char *url, struct err *e)
{
	struct curl_peer *p = &c->peer;

	if (strlen(url) > URL_MAX || !curl_peer_take_url(p, url))
		return err_set(e, ST_INVALID, "not a URL: %.200s", url);
	if (strcmp(p->scheme, "https") != 0 &&
		!(strcmp(p->scheme, "http") == 0 && c->allow_http))
		return err_set(e, ST_INVALID, "not an https URL: %.200s", url);
	return ST_OK;
}

static void set_request(CURL *h, const struct http_request *req)
{
	if (strcmp(req->method, "HEAD") == 0)
		(void)curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
	else
		(void)curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, req->method);
	if (req->body.p != NULL) {
		(void)curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
			(curl_off_t)req->body.n);
		(void)curl_easy_setopt(h, CURLOPT_POSTFIELDS, req->body.p);
	}
}

static void set_client(struct http_client *c)
{
	CURL *h = c->peer.curl;

	curl_peer_demand(&c->peer, c->allow_http ? "https,http" : "https");
	(void)curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(
		h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (c->user_agent != NULL)
		(void)curl_easy_setopt(h, CURLOPT_USERAGENT, c->user_agent);
}

static struct curl_slist *list_of(const char *const *lines)
{
	struct curl_slist *list = NULL;

	for (; lines != NULL && *lines != NULL; lines++)
		list = curl_peer_list(list, *lines);
	return list;
}

static enum status failed(const struct http_client *c, const struct exchange *x,
	CURLcode code, struct err *e)
{
	const char *host = c->peer.host;

	if (x->over)
		return err_set(e, ST_LIMIT,
			"%s: the answer is larger than %zu bytes", host,
			c->max_bytes);
	if (code == CURLE_SSL_CACERT_BADFILE)
		return err_set(e, ST_PERM, "%s: cannot read CA file %s", host,
			c->ca_file == NULL ? "" : c->ca_file);
	return err_set(
		e, ST_TEMP, "%s: %s", host, curl_peer_reason(&c->peer, code));
}

enum status http_client_do(struct http_client *c, struct arena *a,
	const struct http_request *req, struct http_response *out,
	struct err *e)
{
	const char *pins[] = { req->connect_to, NULL };
	struct exchange x = { .a = a, .body = sbuf_arena(a, c->max_bytes) };
	struct curl_slist *headers, *connect_to;
	enum status st = take_url(c, req->url, e);
	CURL *h = c->peer.curl;
	long status = 0;
	CURLcode code;

	if (st != ST_OK)
		return st;
	headers = list_of(req->headers);
	connect_to = list_of(pins);
	curl_easy_reset(h);
	set_client(c);
	set_request(h, req);
	(void)curl_easy_setopt(h, CURLOPT_URL, req->url);
	(void)curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(h, CURLOPT_CONNECT_TO, connect_to);
	(void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(h, CURLOPT_WRITEDATA, &x);
	(void)curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(h, CURLOPT_HEADERDATA, &x);
	code = curl_peer_perform(&c->peer);
	(void)curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	curl_slist_free_all(connect_to);
	if (code != CURLE_OK && (!req->status_only || status < 200 || x.over))
		return failed(c, &x, code, e);
	*out = (struct http_response){ .status = (int)status,
		.headers = x.headers.items,
		.n_headers = x.headers.n,
		.body = sbuf_str(&x.body) };
	return ST_OK;
}

struct str http_response_header(
	const struct http_response *r, const char *name, size_t i)
{
	for (size_t j = 0; j < r->n_headers; j++)
		if (str_eq_nocase(r->headers[j].name, str_of(name)) && i-- == 0)
			return r->headers[j].value;
	return (struct str){};
}
