/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Prints the messages of a scenario: a column for each party, an arrow for each message, and in
 * the margin what it says about the transfer.
 */
#include "demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 110, FIRST_COLUMN = 4, GAP = 14 };

#define BOLD  "\033[1m"
#define RED   "\033[31m"
#define GREEN "\033[32m"
#define BLUE  "\033[36m"
#define PLAIN "\033[0m"

static int columns;
static int coloured;

static int column(int party)
{
    return FIRST_COLUMN + GAP * party;
}

static const char *colour(const char *code)
{
    return coloured ? code : "";
}

/* A row of lifelines, long enough for the margin to begin behind it. */
static int lifelines(char row[WIDTH + 1])
{
    int end = column(columns - 1) + 1;

    memset(row, ' ', WIDTH);
    for (int i = 0; i < columns; i++)
        row[column(i)] = '|';
    row[end] = '\0';
    return end;
}

static void arrow(char *row, int from, int to, const char *label)
{
    int a = column(from), b = column(to);
    int left = a < b ? a : b, right = a < b ? b : a, len = (int)strlen(label);
    int at = (left + right - len) / 2 + (a < b ? 0 : 1);

    memset(row + left + 1, '-', (size_t)(right - left - 1));
    if (a < b)
        row[right - 1] = '>';
    else
        row[left + 1] = '<';
    memcpy(row + at, label, (size_t)len);
}

/* How much of the text goes into a line of this width: up to a line end, a space, a joint of a URI
 * or of JSON, or the width. */
static int fitting(const char *text, int width, int *skip)
{
    int len = (int)strcspn(text, "\n");

    *skip = text[len] == '\n';
    if (len <= width)
        return len;
    for (int i = width; i > width / 2; i--) {
        *skip = text[i] == ' ';
        if (*skip || text[i] == '%' || strchr("?;&,{", text[i - 1]) != NULL)
            return i;
    }
    return width;
}

void ladder_begin(const struct world *world, int number, const char *title)
{
    char row[WIDTH + 1];

    columns = world->count;
    coloured = isatty(STDOUT_FILENO);
    printf("\n%s%d. %s%s\n\n", colour(BOLD), number, title, colour(PLAIN));
    memset(row, ' ', WIDTH);
    row[WIDTH] = '\0';
    for (int i = 0; i < columns; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s%s", world->party[i].is_pbx ? "PBX " : "",
                 world->party[i].title);
        int len = (int)strlen(name), at = column(i) - len / 2;
        memcpy(row + at, name, (size_t)len);
    }
    int end = WIDTH;
    while (row[end - 1] == ' ')
        end--;
    printf("%.*s\n", end, row);
}

void ladder_print(const struct record *record)
{
    const char *text = record->text, *tint = PLAIN;
    char row[WIDTH + 1];
    int first = 1, continued = 0;

    do {
        int end = lifelines(row), skip;
        int width = WIDTH - end - 3 - 2 * continued;
        if (first && record->kind == RECORD_MESSAGE) {
            arrow(row, record->from, record->to, record->label);
            tint = record->label[0] == '2'                              ? GREEN
                   : record->label[0] >= '3' && record->label[0] <= '6' ? RED
                                                                        : PLAIN;
        } else if (first) {
            row[column(record->from)] = '*';
            tint = BLUE;
        }
        int len = fitting(text, width, &skip);
        printf("%s%s%s", colour(tint), row, colour(record->kind == RECORD_NOTE ? "" : PLAIN));
        if (len > 0)
            printf("   %s%.*s", continued ? "  " : "", len, text);
        printf("%s\n", colour(PLAIN));
        continued = text[len] != '\0' && text[len] != '\n';
        text += len + skip;
        first = 0;
    } while (*text != '\0');
}
