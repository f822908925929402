/* C1, S2, C3 and S4 of LeNet-5, forward and backward, for sixteen images at a time: each has a lane of every vector.
 *
 * What is next to each other in memory are the same places of sixteen images, so that a kernel's weight multiplies whole
 * vectors, whatever the number of maps. What a few maps have at a few neighbouring places is summed side by side, in
 * registers. Called by training/convolutions.py.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 16, SIZE = 28, KERNEL = 5, TAPS = KERNEL * KERNEL };
enum { C1 = 6, C1_SIDE = 24, S2_SIDE = 12, C3 = 16, C3_SIDE = 8, S4_SIDE = 4, S4_VALUES = C3 * S4_SIDE * S4_SIDE };
enum { C1_TOGETHER = 6, C3_TOGETHER = 4, MOST_TOGETHER = 6 }; /* maps that are summed side by side */

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t choice __attribute__((vector_size(LANES * sizeof(float))));
typedef uint8_t levels __attribute__((vector_size(LANES)));

#define UNROLLED _Pragma("GCC unroll 12")
/* For what is given constants: unrolled, its sums stay in registers. */
#define SPECIALISED static inline __attribute__((always_inline)) void

/* Of sixteen images, kept from the forward pass for the backward pass. */
typedef struct {
    lanes image[SIZE * SIZE];
    lanes c1[C1 * C1_SIDE * C1_SIDE]; /* backward: the gradients before tanh take its place */
    lanes s2[C1 * S2_SIDE * S2_SIDE];
    lanes c3[C3 * C3_SIDE * C3_SIDE]; /* as in C1 */
} Activations;

/* Of each lane by itself. */
typedef struct {
    lanes c1_weight[C1 * TAPS], c1_bias[C1];
    lanes c3_weight[C3 * C1 * TAPS], c3_bias[C3];
} Gradients;

size_t activations_bytes(void) { return sizeof(Activations); }
size_t gradients_bytes(void) { return sizeof(Gradients); }

/* The kernels, so that weights which are used together follow each other. */
typedef struct {
    float c1[TAPS][C1];
    float c3[C3 / C3_TOGETHER][C1][TAPS][C3_TOGETHER];
    float c3_backward[C1 / 2][C3][TAPS][2];
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
                kernels->c3[map / C3_TOGETHER][below][tap][map % C3_TOGETHER] = weight;
                kernels->c3_backward[below / 2][map][tap][below % 2] = weight;
            }
}

/* tanh to within 3e-7, as 1 - 2 / (1 + exp(2 x)). exp(2 x) is two to a whole power, the exponent of a float32, times two
 * to what is left of it, at most a half up or down, by the series of exp. */
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

/* The mean of four neighbours; `side` is that of the map which is pooled. */
static inline lanes mean(const lanes *corner, int side)
{
    return (corner[0] + corner[1] + corner[side] + corner[side + 1]) * 0.25f;
}

/* From the gradient in such a mean to those before tanh, which take the neighbours' places. */
static inline void unpool(lanes gradient, lanes *corner, int side)
{
    gradient *= 0.25f;
    corner[0] = gradient * (1 - corner[0] * corner[0]);
    corner[1] = gradient * (1 - corner[1] * corner[1]);
    corner[side] = gradient * (1 - corner[side] * corner[side]);
    corner[side + 1] = gradient * (1 - corner[side + 1] * corner[side + 1]);
}

/* Where in C3 the four neighbours begin that a value of S4 is the mean of. */
static inline int corner_of(int value)
{
    const int map = value / (S4_SIDE * S4_SIDE), row = value / S4_SIDE % S4_SIDE, column = value % S4_SIDE;
    return (map * C3_SIDE + 2 * row) * C3_SIDE + 2 * column;
}

/* Grey levels, image after image, to [0, 1], place after place. */
static void load(const uint8_t *images, lanes *image)
{
    for (int place = 0; place < SIZE * SIZE; place++) {
        levels each;
        for (int lane = 0; lane < LANES; lane++)
            each[lane] = images[lane * SIZE * SIZE + place];
        image[place] = __builtin_convertvector(each, lanes) / 255.0f;
    }
}

/* Squashed maps (count, side, side) of the maps below; weights [count / together][maps below][tap][together]. */
SPECIALISED convolve(const lanes *below, int count_below, const float *weights, const float *bias, int together,
                     lanes *maps, int count, int side)
{
    enum { ACROSS = 4 };
    const int side_below = side + KERNEL - 1;
    for (int first = 0; first < count; first += together)
        for (int row = 0; row < side; row++)
            for (int column = 0; column < side; column += ACROSS) {
                lanes sums[MOST_TOGETHER][ACROSS];
                UNROLLED for (int map = 0; map < together; map++)
                    UNROLLED for (int place = 0; place < ACROSS; place++)
                        sums[map][place] = (lanes){0} + bias[first + map];
                const float *weight = weights + first * count_below * TAPS;
                for (int each = 0; each < count_below; each++)
                    for (int down = 0; down < KERNEL; down++) {
                        const lanes *places = below + (each * side_below + row + down) * side_below + column;
                        UNROLLED for (int right = 0; right < KERNEL; right++, weight += together)
                            UNROLLED for (int map = 0; map < together; map++)
                                UNROLLED for (int place = 0; place < ACROSS; place++)
                                    sums[map][place] += places[right + place] * weight[map];
                    }
                UNROLLED for (int map = 0; map < together; map++)
                    UNROLLED for (int place = 0; place < ACROSS; place++)
                        maps[((first + map) * side + row) * side + column + place] = squash(sums[map][place]);
            }
}

/* From the gradients in maps (count, side, side) to those in their kernels and biases, which are added to. */
SPECIALISED accumulate(const lanes *maps, int count, int side, int together, const lanes *below, int count_below,
                       lanes *weights, lanes *biases)
{
    const int side_below = side + KERNEL - 1;
    for (int map = 0; map < count; map++)
        for (int place = 0; place < side * side; place++)
            biases[map] += maps[map * side * side + place];
    for (int first = 0; first < count; first += together)
        for (int each = 0; each < count_below; each++)
            for (int down = 0; down < KERNEL; down++) {
                lanes sums[MOST_TOGETHER][KERNEL] = {0};
                for (int row = 0; row < side; row++) {
                    const lanes *places = below + (each * side_below + row + down) * side_below;
                    const lanes *map_row = maps + (first * side + row) * side;
                    for (int column = 0; column < side; column++)
                        UNROLLED for (int map = 0; map < together; map++)
                            UNROLLED for (int right = 0; right < KERNEL; right++)
                                sums[map][right] += map_row[map * side * side + column] * places[column + right];
                }
                UNROLLED for (int map = 0; map < together; map++) {
                    lanes *weight = weights + ((first + map) * count_below + each) * TAPS + down * KERNEL;
                    UNROLLED for (int right = 0; right < KERNEL; right++) weight[right] += sums[map][right];
                }
            }
}

/* From the gradients in C3 to those in a row of two maps of S2, summed in registers, and on to C1. */
static void backward_to_c1(Activations *activations, const Kernels *kernels)
{
    enum { TOGETHER = 2 };
    for (int first = 0; first < C1; first += TOGETHER)
        for (int row = 0; row < S2_SIDE; row++) {
            lanes sums[TOGETHER][S2_SIDE] = {0};
            const int lowest = row < C3_SIDE ? 0 : row - C3_SIDE + 1, highest = row < KERNEL ? row : KERNEL - 1;
            for (int down = lowest; down <= highest; down++)
                for (int above = 0; above < C3; above++) {
                    const lanes *c3 = activations->c3 + (above * C3_SIDE + row - down) * C3_SIDE;
                    const float(*weights)[TOGETHER] = kernels->c3_backward[first / TOGETHER][above] + down * KERNEL;
                    UNROLLED for (int column = 0; column < C3_SIDE; column++)
                        UNROLLED for (int right = 0; right < KERNEL; right++)
                            UNROLLED for (int map = 0; map < TOGETHER; map++)
                                sums[map][column + right] += c3[column] * weights[right][map];
                }
            UNROLLED for (int map = 0; map < TOGETHER; map++)
                UNROLLED for (int column = 0; column < S2_SIDE; column++)
                    unpool(sums[map][column],
                           activations->c1 + ((first + map) * C1_SIDE + 2 * row) * C1_SIDE + 2 * column, C1_SIDE);
        }
}

/* Sixteen images to S4, (16, 256). */
static void forward_sixteen(const uint8_t *images, const Kernels *kernels, const float *c1_bias, const float *c3_bias,
                            Activations *activations, float *s4)
{
    load(images, activations->image);
    convolve(activations->image, 1, kernels->c1[0], c1_bias, C1_TOGETHER, activations->c1, C1, C1_SIDE);
    for (int row = 0; row < C1 * S2_SIDE; row++) /* of all maps */
        for (int column = 0; column < S2_SIDE; column++)
            activations->s2[row * S2_SIDE + column] = mean(activations->c1 + 2 * (row * C1_SIDE + column), C1_SIDE);
    convolve(activations->s2, C1, kernels->c3[0][0][0], c3_bias, C3_TOGETHER, activations->c3, C3, C3_SIDE);
    for (int value = 0; value < S4_VALUES; value++) {
        const lanes pooled = mean(activations->c3 + corner_of(value), C3_SIDE);
        for (int lane = 0; lane < LANES; lane++)
            s4[lane * S4_VALUES + value] = pooled[lane];
    }
}

/* From the gradients in S4 of the same sixteen, (16, 256); what was kept of them is lost. */
static void backward_sixteen(const float *s4, const Kernels *kernels, Activations *activations, Gradients *gradients)
{
    for (int value = 0; value < S4_VALUES; value++) {
        lanes gradient;
        for (int lane = 0; lane < LANES; lane++)
            gradient[lane] = s4[lane * S4_VALUES + value];
        unpool(gradient, activations->c3 + corner_of(value), C3_SIDE);
    }
    accumulate(activations->c3, C3, C3_SIDE, C3_TOGETHER, activations->s2, C1, gradients->c3_weight,
               gradients->c3_bias);
    backward_to_c1(activations, kernels);
    /* Three maps at once: of six the sums would fill every register. */
    accumulate(activations->c1, C1, C1_SIDE, 3, activations->image, 1, gradients->c1_weight, gradients->c1_bias);
}

/* Images (16 * sixteens, 28, 28) of grey levels to S4, (16 * sixteens, 256), and what is kept of each sixteen. */
void forward(const uint8_t *images, int64_t sixteens, const float *c1_weight, const float *c1_bias,
             const float *c3_weight, const float *c3_bias, int threads, Activations *activations, float *s4)
{
    Kernels kernels;
    pack(c1_weight, c3_weight, &kernels);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t each = 0; each < sixteens; each++)
        forward_sixteen(images + each * LANES * SIZE * SIZE, &kernels, c1_bias, c3_bias, activations + each,
                        s4 + each * LANES * S4_VALUES);
}

/* Adds up the lanes of so many vectors. */
static void add(const lanes *each, int count, float *totals)
{
    for (int place = 0; place < count; place++)
        for (int lane = 0; lane < LANES; lane++)
            totals[place] += each[place][lane];
}

/* From the gradients in S4 to those in weights and biases, which are added to. Each thread adds up its part of the
 * images by itself, in its own of `parts`; these are added in turn, so that with as many threads the same comes out, to
 * the last bit. */
void backward(const float *s4, int64_t sixteens, const float *c1_weight, const float *c3_weight, int threads,
              Activations *activations, Gradients *parts, float *c1_weights, float *c1_biases, float *c3_weights,
              float *c3_biases)
{
    Kernels kernels;
    pack(c1_weight, c3_weight, &kernels);
    memset(parts, 0, threads * sizeof *parts);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int part = 0; part < threads; part++)
        for (int64_t each = sixteens * part / threads; each < sixteens * (part + 1) / threads; each++)
            backward_sixteen(s4 + each * LANES * S4_VALUES, &kernels, activations + each, parts + part);
    for (int part = 0; part < threads; part++) {
        add(parts[part].c1_weight, C1 * TAPS, c1_weights);
        add(parts[part].c1_bias, C1, c1_biases);
        add(parts[part].c3_weight, C3 * C1 * TAPS, c3_weights);
        add(parts[part].c3_bias, C3, c3_biases);
    }
}
