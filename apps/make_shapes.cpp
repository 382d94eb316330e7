#include <vcflash/data/shapes/main.hpp>

int main(int argc, char** argv) { return vcflash::data::shapes::main(argc, argv); }
