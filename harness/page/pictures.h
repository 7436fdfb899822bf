// The pictures that there are: a function each, in a file of its own.
#ifndef HARNESS_PAGE_PICTURES_H_
#define HARNESS_PAGE_PICTURES_H_

#include <vector>

#include "harness/page/picture.h"

namespace sft::page {

std::vector<Picture> LossPictures(const PictureInput& input);
std::vector<Picture> RetentionPictures(const PictureInput& input);
std::vector<Picture> TargetPictures(const PictureInput& input);
std::vector<Picture> RewindPictures(const PictureInput& input);
std::vector<Picture> FrontPictures(const PictureInput& input);
std::vector<Picture> ForestPictures(const PictureInput& input);
std::vector<Picture> RatePictures(const PictureInput& input);
std::vector<Picture> RoundPictures(const PictureInput& input);
std::vector<Picture> MemoryPictures(const PictureInput& input);
std::vector<Picture> ThroughputPictures(const PictureInput& input);
std::vector<Picture> PackingPictures(const PictureInput& input);

}  // namespace sft::page

#endif  // HARNESS_PAGE_PICTURES_H_
