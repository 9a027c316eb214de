/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: JSON text (RFC 8259) as a tree in an arena, and a streaming writer.
 *
 * The reader is strict about syntax and generous about meaning: duplicate names
 * are kept and flagged (I-JSON, RFC 7493 section 2.3), bytes that are not UTF-8
 * are replaced by U+FFFD and flagged. Every node knows its line and column, so
 * that a fault can be shown. Depth, nodes and memory are capped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"

enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json {
	enum json_type type;
	bool boolean;
	struct str text;       /* string: decoded; number: as written */
	struct str name;       /* the name under which it stands in an object */
	struct json *first;    /* array, object: the first child */
	struct json *next;     /* the next child of the same parent */
	size_t count;	       /* array, object: children */
	uint32_t line, column; /* where it begins, from 1; column in bytes */
};

struct json_limits {
	uint32_t depth; /* nesting of arrays and objects */
	uint32_t nodes; /* values in all */
};

#define JSON_LIMITS_DEFAULT ((struct json_limits){ 32, 100000 })

struct json_flags {
	bool duplicate_names; /* an object had the same name twice */
	bool bad_utf8; /* bytes or \u escapes that are not UTF-8 / UTF-16 */
	bool bom;      /* began with a byte order mark */
};

/*
 * Parses the whole of text. The tree and its strings live in a (strings are
 * copied, text may go). flags may be NULL.
 * ST_INVALID: not JSON, err says "line L, column C: ..."; ST_LIMIT: a cap.
 */
enum status json_parse(struct arena *a, struct str text,
	struct json_limits limits, struct json **out, struct json_flags *flags,
	struct err *e);

/* The first child of that name; NULL if obj is NULL, no object, or has none. */
const struct json *json_get(const struct json *obj, const char *name);

/* The first element of the array (or member of the object) of that name. */
const struct json *json_first(const struct json *obj, const char *name);

/* The string value; empty with p == NULL if v is NULL or no string. */
struct str json_str(const struct json *v);

/* As json_str of json_get. */
struct str json_get_str(const struct json *obj, const char *name);

/* The integer value of a number written without fraction and exponent. */
enum status json_i64(
	const struct json *v, int64_t min, int64_t max, int64_t *out);

/* true only for the literal true. */
bool json_true(const struct json *v);

/*
 * The writer: commas and quoting are its business. A name is NULL inside
 * arrays. With indent > 0 it writes readable text, otherwise one line.
 */
struct json_writer {
	struct sbuf *out;
	unsigned indent;
	unsigned depth;
	bool comma; /* the next value needs one before it */
};

struct json_writer json_writer_of(struct sbuf *out, unsigned indent);
void json_open_object(struct json_writer *w, const char *name);
void json_close_object(struct json_writer *w);
void json_open_array(struct json_writer *w, const char *name);
void json_close_array(struct json_writer *w);
/* Bytes that are not UTF-8 are written as U+FFFD. */
void json_put_str(struct json_writer *w, const char *name, struct str v);
void json_put_z(struct json_writer *w, const char *name, const char *v);
/* An array of n texts. */
void json_put_strs(
	struct json_writer *w, const char *name, const struct str *v, size_t n);
void json_put_int(struct json_writer *w, const char *name, int64_t v);
void json_put_bool(struct json_writer *w, const char *name, bool v);
void json_put_null(struct json_writer *w, const char *name);
/* A number or tree as it was parsed. */
void json_put_tree(
	struct json_writer *w, const char *name, const struct json *v);
