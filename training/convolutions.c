/* C1, S2, C3 and S4 of LeNet-5, forwards and backwards, for sixteen images at a time: each has a lane of every vector.
 *
 * What is next to each other in memory are the same places of sixteen images, so that a kernel's weight multiplies whole
 * vectors, whatever the number of maps. Results of neighbouring places are summed in registers side by side: MAPS maps
 * by ACROSS places. Called by training/convolutions.py, which says what comes in and goes out.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 16, SIZE = 28, KERNEL = 5, TAPS = KERNEL * KERNEL };
enum { C1 = 6, C1_SIDE = 24, S2_SIDE = 12, C3 = 16, C3_SIDE = 8, S4_SIDE = 4, S4_VALUES = C3 * S4_SIDE * S4_SIDE };

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t choice __attribute__((vector_size(LANES * sizeof(float))));
typedef uint8_t levels __attribute__((vector_size(LANES)));

#define UNROLLED _Pragma("GCC unroll 12")

/* What is remembered of sixteen images between the way forwards and the way back. */
typedef struct {
    lanes image[SIZE * SIZE];
    lanes c1[C1 * C1_SIDE * C1_SIDE]; /* on the way back: the slope of the loss in C1, before tanh */
    lanes s2[C1 * S2_SIDE * S2_SIDE];
    lanes c3[C3 * C3_SIDE * C3_SIDE]; /* and the same of C3 */
} Passage;

/* tanh to within 3e-7, as 1 - 2 / (1 + exp(2 x)). exp(2 x) is two to a whole power, the exponent of a float32, times two to
 * what is left of it, at most a half up or down, by the series of exp. */
static inline lanes squash(lanes x)
{
    const float end = 9.1f, binary_digits = 2.88539008178f; /* from there on float32 knows only 1; 2 / ln 2 */
    const float a = 0.69314718056f, b = a * a / 2, c = a * b / 3, d = a * c / 4, e = a * d / 5, f = a * e / 6;
    const choice over = x > end, under = x < -end;
    const lanes highest = (lanes){0} + end;
    x = (lanes)((over & (choice)highest) | (under & (choice)-highest) | (~(over | under) & (choice)x));
    const lanes power = x * binary_digits;
    const lanes to_nearest = (lanes)(((choice)power & INT32_MIN) | (choice)((lanes){0} + 0.5f));
    const choice whole = __builtin_convertvector(power + to_nearest, choice);
    const lanes rest = power - __builtin_convertvector(whole, lanes);
    const lanes part = 1 + rest * (a + rest * (b + rest * (c + rest * (d + rest * (e + rest * f)))));
    return 1 - 2 / (1 + part * (lanes)((whole + 127) << 23));
}

/* From the slope in the mean of four neighbours to those in what was squashed to give them, which take their place. */
static inline void unpool(lanes slope, lanes *corner, int side)
{
    slope *= 0.25f;
    corner[0] = slope * (1 - corner[0] * corner[0]);
    corner[1] = slope * (1 - corner[1] * corner[1]);
    corner[side] = slope * (1 - corner[side] * corner[side]);
    corner[side + 1] = slope * (1 - corner[side + 1] * corner[side + 1]);
}

static inline float sum(lanes x)
{
    float total = 0;
    for (int lane = 0; lane < LANES; lane++)
        total += x[lane];
    return total;
}

/* Grey levels, image after image, to [0, 1], place after place. */
static void take_in(const uint8_t *images, lanes *image)
{
    for (int place = 0; place < SIZE * SIZE; place++) {
        levels each;
        for (int lane = 0; lane < LANES; lane++)
            each[lane] = images[lane * SIZE * SIZE + place];
        image[place] = __builtin_convertvector(each, lanes) / 255.0f;
    }
}

/* The kernels, so that the weights which meet at one place follow each other: [tap][map] of C1, [maps / 4][map below]
 * [tap][map] of C3, and of C3 for the way back [maps below / 2][map][tap][map below]. */
typedef struct {
    float c1[TAPS][C1];
    float c3[C3 / 4][C1][TAPS][4];
    float c3_back[C1 / 2][C3][TAPS][2];
} Kernels;

static void pack(const float *c1, const float *c3, Kernels *kernels)
{
    for (int map = 0; map < C1; map++)
        for (int tap = 0; tap < TAPS; tap++)
            kernels->c1[tap][map] = c1[map * TAPS + tap];
    for (int map = 0; map < C3; map++)
        for (int below = 0; below < C1; below++)
            for (int tap = 0; tap < TAPS; tap++) {
                const float weight = c3[(map * C1 + below) * TAPS + tap];
                kernels->c3[map / 4][below][tap][map % 4] = weight;
                kernels->c3_back[below / 2][map][tap][below % 2] = weight;
            }
}

/* Where in C3 the four neighbours begin that a value of S4 is the mean of. */
static inline int corner_of(int value)
{
    const int map = value / (S4_SIDE * S4_SIDE), row = value / S4_SIDE % S4_SIDE, column = value % S4_SIDE;
    return (map * C3_SIDE + 2 * row) * C3_SIDE + 2 * column;
}

/* The mean of four neighbours; `side` is that of the map which is pooled. */
static inline lanes mean(const lanes *corner, int side)
{
    return (corner[0] + corner[1] + corner[side] + corner[side + 1]) * 0.25f;
}

static void compute_c1(Passage *passage, const Kernels *kernels, const float *bias)
{
    enum { ACROSS = 4 };
    for (int row = 0; row < C1_SIDE; row++)
        for (int column = 0; column < C1_SIDE; column += ACROSS) {
            lanes found[C1][ACROSS];
            UNROLLED for (int map = 0; map < C1; map++)
                UNROLLED for (int place = 0; place < ACROSS; place++) found[map][place] = (lanes){0} + bias[map];
            for (int down = 0; down < KERNEL; down++) {
                const lanes *image = passage->image + (row + down) * SIZE + column;
                UNROLLED for (int right = 0; right < KERNEL; right++)
                    UNROLLED for (int map = 0; map < C1; map++)
                        UNROLLED for (int place = 0; place < ACROSS; place++)
                            found[map][place] += image[right + place] * kernels->c1[down * KERNEL + right][map];
            }
            UNROLLED for (int map = 0; map < C1; map++)
                UNROLLED for (int place = 0; place < ACROSS; place++)
                    passage->c1[(map * C1_SIDE + row) * C1_SIDE + column + place] = squash(found[map][place]);
        }
}

static void compute_s2(Passage *passage)
{
    for (int map = 0; map < C1; map++)
        for (int row = 0; row < S2_SIDE; row++)
            for (int column = 0; column < S2_SIDE; column++)
                passage->s2[(map * S2_SIDE + row) * S2_SIDE + column] =
                    mean(passage->c1 + (map * C1_SIDE + 2 * row) * C1_SIDE + 2 * column, C1_SIDE);
}

static void compute_c3(Passage *passage, const Kernels *kernels, const float *bias)
{
    enum { MAPS = 4, ACROSS = 4 };
    for (int first = 0; first < C3; first += MAPS)
        for (int row = 0; row < C3_SIDE; row++)
            for (int column = 0; column < C3_SIDE; column += ACROSS) {
                lanes found[MAPS][ACROSS];
                UNROLLED for (int map = 0; map < MAPS; map++)
                    UNROLLED for (int place = 0; place < ACROSS; place++)
                        found[map][place] = (lanes){0} + bias[first + map];
                for (int below = 0; below < C1; below++)
                    for (int down = 0; down < KERNEL; down++) {
                        const lanes *s2 = passage->s2 + (below * S2_SIDE + row + down) * S2_SIDE + column;
                        const float(*weights)[MAPS] = kernels->c3[first / MAPS][below] + down * KERNEL;
                        UNROLLED for (int right = 0; right < KERNEL; right++)
                            UNROLLED for (int map = 0; map < MAPS; map++)
                                UNROLLED for (int place = 0; place < ACROSS; place++)
                                    found[map][place] += s2[right + place] * weights[right][map];
                    }
                UNROLLED for (int map = 0; map < MAPS; map++)
                    UNROLLED for (int place = 0; place < ACROSS; place++)
                        passage->c3[((first + map) * C3_SIDE + row) * C3_SIDE + column + place] =
                            squash(found[map][place]);
            }
}

/* The slopes of the loss in the weights and biases, of each lane by itself. */
typedef struct {
    lanes c1_weight[C1][TAPS], c1_bias[C1];
    lanes c3_weight[C3][C1][TAPS], c3_bias[C3];
} Slopes;

size_t passage_bytes(void) { return sizeof(Passage); }
size_t slopes_bytes(void) { return sizeof(Slopes); }

/* From the slopes in C3 to those in its kernels: each tap meets every place. */
static void learn_c3(const Passage *passage, Slopes *slopes)
{
    enum { MAPS = 4 };
    for (int map = 0; map < C3; map++)
        for (int place = 0; place < C3_SIDE * C3_SIDE; place++)
            slopes->c3_bias[map] += passage->c3[map * C3_SIDE * C3_SIDE + place];
    for (int first = 0; first < C3; first += MAPS)
        for (int below = 0; below < C1; below++)
            for (int down = 0; down < KERNEL; down++) {
                lanes found[MAPS][KERNEL] = {0};
                for (int row = 0; row < C3_SIDE; row++) {
                    const lanes *s2 = passage->s2 + (below * S2_SIDE + row + down) * S2_SIDE;
                    const lanes *c3 = passage->c3 + (first * C3_SIDE + row) * C3_SIDE;
                    for (int column = 0; column < C3_SIDE; column++)
                        UNROLLED for (int map = 0; map < MAPS; map++)
                            UNROLLED for (int right = 0; right < KERNEL; right++)
                                found[map][right] += c3[map * C3_SIDE * C3_SIDE + column] * s2[column + right];
                }
                UNROLLED for (int map = 0; map < MAPS; map++)
                    UNROLLED for (int right = 0; right < KERNEL; right++)
                        slopes->c3_weight[first + map][below][down * KERNEL + right] += found[map][right];
            }
}

/* From the slopes in C3 to those in a row of two maps of S2, which stay in registers, and on to C1. */
static void back_to_c1(Passage *passage, const Kernels *kernels)
{
    enum { MAPS = 2 };
    for (int first = 0; first < C1; first += MAPS)
        for (int row = 0; row < S2_SIDE; row++) {
            lanes found[MAPS][S2_SIDE] = {0};
            const int highest = row < C3_SIDE ? 0 : row - C3_SIDE + 1, lowest = row < KERNEL ? row : KERNEL - 1;
            for (int down = highest; down <= lowest; down++)
                for (int above = 0; above < C3; above++) {
                    const lanes *c3 = passage->c3 + (above * C3_SIDE + row - down) * C3_SIDE;
                    const float(*weights)[MAPS] = kernels->c3_back[first / MAPS][above] + down * KERNEL;
                    UNROLLED for (int column = 0; column < C3_SIDE; column++)
                        UNROLLED for (int right = 0; right < KERNEL; right++)
                            UNROLLED for (int map = 0; map < MAPS; map++)
                                found[map][column + right] += c3[column] * weights[right][map];
                }
            UNROLLED for (int map = 0; map < MAPS; map++)
                UNROLLED for (int column = 0; column < S2_SIDE; column++)
                    unpool(found[map][column],
                           passage->c1 + ((first + map) * C1_SIDE + 2 * row) * C1_SIDE + 2 * column, C1_SIDE);
        }
}

/* From the slopes in C1 to those in its kernels. */
static void learn_c1(const Passage *passage, Slopes *slopes)
{
    enum { MAPS = 3 };
    for (int map = 0; map < C1; map++)
        for (int place = 0; place < C1_SIDE * C1_SIDE; place++)
            slopes->c1_bias[map] += passage->c1[map * C1_SIDE * C1_SIDE + place];
    for (int first = 0; first < C1; first += MAPS)
        for (int down = 0; down < KERNEL; down++) {
            lanes found[MAPS][KERNEL] = {0};
            for (int row = 0; row < C1_SIDE; row++) {
                const lanes *image = passage->image + (row + down) * SIZE;
                const lanes *c1 = passage->c1 + (first * C1_SIDE + row) * C1_SIDE;
                for (int column = 0; column < C1_SIDE; column++)
                    UNROLLED for (int map = 0; map < MAPS; map++)
                        UNROLLED for (int right = 0; right < KERNEL; right++)
                            found[map][right] += c1[map * C1_SIDE * C1_SIDE + column] * image[column + right];
            }
            UNROLLED for (int map = 0; map < MAPS; map++)
                UNROLLED for (int right = 0; right < KERNEL; right++)
                    slopes->c1_weight[first + map][down * KERNEL + right] += found[map][right];
        }
}

/* Adds up the lanes of so many vectors. */
static void add(const lanes *each, int count, float *totals)
{
    for (int place = 0; place < count; place++)
        totals[place] += sum(each[place]);
}

/* Images (count, 28, 28) of grey levels to S4, (count, 256), by way of as many passages as there are sixteens of them.
 * count is a multiple of LANES. */
void forwards(const uint8_t *images, int64_t count, const float *c1_weight, const float *c1_bias,
              const float *c3_weight, const float *c3_bias, int threads, Passage *passages, float *s4)
{
    Kernels kernels;
    pack(c1_weight, c3_weight, &kernels);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t first = 0; first < count; first += LANES) {
        Passage *passage = passages + first / LANES;
        take_in(images + first * SIZE * SIZE, passage->image);
        compute_c1(passage, &kernels, c1_bias);
        compute_s2(passage);
        compute_c3(passage, &kernels, c3_bias);
        for (int value = 0; value < S4_VALUES; value++) {
            const lanes pooled = mean(passage->c3 + corner_of(value), C3_SIDE);
            for (int lane = 0; lane < LANES; lane++)
                s4[(first + lane) * S4_VALUES + value] = pooled[lane];
        }
    }
}

/* Some sixteens of images, from their slopes in S4. */
static void go_back(const float *s4, int64_t sixteens, const Kernels *kernels, Passage *passages, Slopes *slopes)
{
    memset(slopes, 0, sizeof *slopes);
    for (; sixteens > 0; sixteens--, passages++, s4 += LANES * S4_VALUES) {
        for (int value = 0; value < S4_VALUES; value++) {
            lanes slope;
            for (int lane = 0; lane < LANES; lane++)
                slope[lane] = s4[lane * S4_VALUES + value];
            unpool(slope, passages->c3 + corner_of(value), C3_SIDE);
        }
        learn_c3(passages, slopes);
        back_to_c1(passages, kernels);
        learn_c1(passages, slopes);
    }
}

/* From the slopes of the loss in S4, (count, 256), to those in the weights and biases, which are added to. What the
 * passages remember is lost. Parts of the images, a thread for each, are added up by themselves and then in turn, so that
 * the same number of parts gives the same slopes to the last bit; there is room for theirs in `parts_slopes`. */
void backwards(const float *s4, int64_t count, const float *c1_weight, const float *c3_weight, Passage *passages,
               int parts, Slopes *parts_slopes, float *c1_weights, float *c1_biases, float *c3_weights,
               float *c3_biases)
{
    Kernels kernels;
    pack(c1_weight, c3_weight, &kernels);
    const int64_t sixteens = count / LANES;
#pragma omp parallel for schedule(static) num_threads(parts)
    for (int64_t part = 0; part < parts; part++) {
        const int64_t first = sixteens * part / parts, next = sixteens * (part + 1) / parts;
        go_back(s4 + first * LANES * S4_VALUES, next - first, &kernels, passages + first, parts_slopes + part);
    }
    for (int64_t part = 0; part < parts; part++) {
        const Slopes *each = parts_slopes + part;
        add(each->c1_weight[0], C1 * TAPS, c1_weights);
        add(each->c1_bias, C1, c1_biases);
        add(each->c3_weight[0][0], C3 * C1 * TAPS, c3_weights);
        add(each->c3_bias, C3, c3_biases);
    }
}
