#include <vcflash/app/make_shapes_main.hpp>

int main(int argc, char** argv) { return vcflash::app::make_shapes_main(argc, argv); }
