/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args: long options from row tables. A command lists its options once; the
 * parser, --help and the test of the manual page read the same rows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

struct arg_row {
	const char *name;  /* "max-age"; NULL ends a table */
	const char *value; /* "SECONDS" as help shows it; NULL: a flag */
	const char *doc;   /* one line, no full stop */
	char letter;	   /* a short form, or 0 */
	bool many;	   /* takes several values, and may be repeated */
};

struct arg_given {
	const struct arg_row *row;
	const char *value; /* NULL for a flag */
};

#define ARG_TABLES_MAX 4u

struct args {
	struct arena *arena;
	const struct arg_row *tables[ARG_TABLES_MAX];
	size_t n_tables;
	struct {
		struct arg_given *items;
		size_t n, cap;
	} given;
	struct {
		const char **items;
		size_t n, cap;
	} words; /* what is no option, in order */
};

/* Lets the options of one more table be given. */
void args_allow(struct args *args, const struct arg_row *rows);

/*
 * Reads argv[0..argc). With stop_at_word it ends before the first argument that
 * is no option, otherwise those are collected in words. "--" ends the options,
 * "-" is a word. *used is the number of arguments read. The strings are
 * borrowed. ST_INVALID with a text on an unknown option, a missing value or an
 * option given twice.
 */
enum status args_parse(struct args *args, int argc, char **argv,
	bool stop_at_word, int *used, struct err *e);

/* Was the option given? An option in none of the tables is a bug. */
bool args_flag(const struct args *args, const char *name);

/* The value, or NULL when it was not given. */
const char *args_get(const struct args *args, const char *name);

/* All values of a `many` option; their number, 0 when it was not given. */
size_t args_all(
	const struct args *args, const char *name, const char ***values);

/*
 * The value as a number in min..max; *out stays as it is when the option was
 * not given. ST_INVALID with a text otherwise.
 */
enum status args_int(const struct args *args, const char *name, int64_t min,
	int64_t max, int64_t *out, struct err *e);
